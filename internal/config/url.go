package config

import (
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// postgresURLPattern is what the schema knows of a Postgres URL.
const postgresURLPattern = `^postgres(ql)?://`

// postgresURL is a libpq URL in its parts, all as they were written. net/url
// cannot read the ones with several hosts, and its errors quote the password.
type postgresURL struct {
	scheme     string // with ://
	user       string // user[:password], without @
	hasUser    bool
	hosts      string // host[:port], several after commas
	path       string // with /
	parameters []string
}

// splitURL cuts a URL into its parts. Its errors hold nothing of the URL: any
// part of it may be a piece of a password that was not encoded.
func splitURL(text string) (postgresURL, error) {
	var u postgresURL
	scheme, rest, hasScheme := strings.Cut(text, "://")
	if !hasScheme || scheme != "postgres" && scheme != "postgresql" {
		return u, errors.New("want a URL like postgres://user@host:5432/database?sslmode=verify-full")
	}
	u.scheme = scheme + "://"
	if strings.ContainsAny(rest, " \t\r\n") {
		return u, errors.New("a blank in the URL: write it as %20")
	}
	rest, query, _ := strings.Cut(rest, "?")
	if query != "" {
		u.parameters = strings.Split(query, "&")
	}
	authority, path, hasPath := strings.Cut(rest, "/")
	if hasPath {
		u.path = "/" + path
	}
	if strings.Contains(text, "#") || strings.Count(authority, "@") > 1 || strings.Contains(path+query, "@") {
		return u, errors.New("in a user name or password of the URL write @ / ? # % as %40 %2F %3F %23 %25, or use postgres.password")
	}
	u.hosts = authority
	if user, hosts, ok := strings.Cut(authority, "@"); ok {
		u.user, u.hosts, u.hasUser = user, hosts, true
	}
	return u, nil
}

// checkURL refuses what is not a Postgres URL.
func checkURL(text string) error {
	u, err := splitURL(text)
	if err != nil {
		return err
	}
	for _, part := range append([]string{u.user, u.hosts, u.path}, u.parameters...) {
		if _, err := url.PathUnescape(part); err != nil {
			return errors.New("a % in the URL must be followed by two hexadecimal digits: write % as %25")
		}
	}
	if strings.Contains(strings.TrimPrefix(u.path, "/"), "/") {
		return errors.New("want one database name after the host: write / in it as %2F")
	}
	for host := range strings.SplitSeq(u.hosts, ",") {
		if err := checkHost(host); err != nil {
			return err
		}
	}
	for _, parameter := range u.parameters {
		if err := checkParameter(parameter); err != nil {
			return err
		}
	}
	return nil
}

func checkParameter(parameter string) error {
	_, value, given := strings.Cut(parameter, "=")
	name := parameterName(parameter)
	if !given || name == "" {
		return errors.New("want parameters as name=value after the ?, with & between them")
	}
	if name == "sslmode" && !slices.Contains(sslModes(), value) {
		return errors.New("want an sslmode of " + oneOf(sslModes()))
	}
	return nil
}

func sslModes() []string {
	return []string{"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}
}

// checkHost checks one host[:port] of a URL. Both may be left out.
func checkHost(text string) error {
	port := ""
	if strings.HasPrefix(text, "[") {
		inside, after, closed := strings.Cut(text[1:], "]")
		if _, err := netip.ParseAddr(inside); !closed || err != nil || (after != "" && after[0] != ':') {
			return errors.New("want an IPv6 host in brackets, like [::1]:5432")
		}
		port = strings.TrimPrefix(after, ":")
	} else {
		_, after, hasPort := strings.Cut(text, ":")
		if strings.Contains(after, ":") {
			return errors.New("want one host:port between commas, and an IPv6 host in brackets")
		}
		if hasPort {
			port = after
		}
	}
	if port == "" {
		return nil
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return errors.New("want a port from 1 to 65535; a password stands between the user and @")
	}
	return nil
}

// hasPassword reports whether the URL carries a password of its own.
func (u postgresURL) hasPassword() bool {
	if _, password, _ := strings.Cut(u.user, ":"); password != "" {
		return true
	}
	return slices.ContainsFunc(u.parameters, func(p string) bool { return parameterName(p) == "password" })
}

// parameterName is the decoded name of a name=value, in small letters.
func parameterName(parameter string) string {
	name, _, _ := strings.Cut(parameter, "=")
	if decoded, err := url.QueryUnescape(name); err == nil {
		name = decoded
	}
	return strings.ToLower(name)
}

// server names the server of the URL, for comparing: hosts with their ports.
func (u postgresURL) server() string {
	hosts := strings.Split(strings.ToLower(u.hosts), ",")
	for i, h := range hosts {
		if strings.HasPrefix(h, "[") && strings.HasSuffix(h, "]") || !strings.Contains(h, ":") {
			hosts[i] = h + ":5432"
		}
	}
	slices.Sort(hosts)
	return strings.Join(hosts, ",")
}
