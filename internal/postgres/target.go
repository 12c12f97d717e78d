package postgres

import (
	"errors"
	"io/fs"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// urlForm is what every refusal of a URL says it should look like.
const urlForm = "want postgres://user@host:port/database?sslmode=verify-full"

// urlKeys are the parameters a URL may carry after its question mark. A closed
// list: pgconn would send anything else to the server as a setting, and the
// server would answer with its name, which may be the tail of a password that
// was not percent-encoded.
func urlKeys() []string {
	return []string{
		"application_name", "channel_binding", "connect_timeout", "dbname", "host", "krbspn", "krbsrvname",
		"max_protocol_version", "min_protocol_version", "options", "passfile", "password", "port", "require_auth",
		"service", "ssl", "sslcert", "sslcertmode", "sslkey", "sslmode", "sslnegotiation", "sslpassword",
		"sslrootcert", "sslsni", "target_session_attrs", "user",
	}
}

// Config reads the URL and the password and gives the settings of one connection.
// extra are startup parameters of this connection alone.
func (t Target) Config(extra map[string]string) (*pgx.ConnConfig, error) {
	raw, err := t.URL()
	if err != nil {
		return nil, &Error{Kind: Configuration, Op: "postgres.url", Text: err.Error()}
	}
	cfg, err := parseURL(raw)
	if err != nil {
		return nil, err
	}
	if err := t.setPassword(cfg); err != nil {
		return nil, err
	}
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = 10 * time.Second
	}
	setDialer(&cfg.Config, t.Dial)
	t.onlyServer(&cfg.Config)
	seekPrimary(&cfg.Config, attrsOf(raw))
	for _, params := range []map[string]string{startParameters(), extra} {
		for name, value := range params {
			setParameter(cfg.RuntimeParams, name, value)
		}
	}
	return cfg, nil
}

// setPassword lets the password of its own key win over the URL's.
func (t Target) setPassword(cfg *pgx.ConnConfig) error {
	if t.Password == nil {
		return nil
	}
	password, err := t.Password()
	if err != nil {
		return &Error{Kind: Configuration, Op: "postgres.password", Text: err.Error()}
	}
	if password != "" {
		cfg.Password = password
	}
	return nil
}

// setParameter replaces a setting under any spelling: the server folds case, so
// PGTZ's "timezone" beside "TimeZone" would leave it to chance which one wins.
func setParameter(params map[string]string, name, value string) {
	for k := range params {
		if strings.EqualFold(k, name) {
			delete(params, k)
		}
	}
	params[name] = value
}

// parseURL reads a libpq URL. Its errors are words of this package alone:
// pgconn's quote parts of the input, and its redaction is best effort.
func parseURL(raw string) (*pgx.ConnConfig, error) {
	if fault := urlFault(raw); fault != "" {
		return nil, &Error{Kind: Configuration, Op: "postgres.url", Text: fault, Hint: urlForm}
	}
	cfg, err := pgx.ParseConfigWithOptions(raw, pgx.ParseConfigOptions{
		ParseConfigOptions: pgconn.ParseConfigOptions{ConnStringAllowedKeys: urlKeys()},
	})
	if err != nil {
		return nil, &Error{Kind: Configuration, Op: "postgres.url", Text: parseWords(err), Hint: urlForm}
	}
	return cfg, nil
}

// urlFault finds the mistakes that would make a part of a password look like a
// host, a port or a database, which later errors name.
func urlFault(raw string) string {
	rest, ok := strings.CutPrefix(raw, "postgres://")
	if !ok {
		rest, ok = strings.CutPrefix(raw, "postgresql://")
	}
	if !ok {
		return "is not a Postgres URL"
	}
	at := strings.IndexByte(rest, '@')
	if slash := strings.IndexByte(rest, '/'); strings.Count(rest, "@") > 1 || (at >= 0 && slash >= 0 && slash < at) {
		return `has a stray @: in a user name or password write @ / ? # % as %40 %2F %3F %23 %25, or use postgres.password`
	}
	if strings.ContainsAny(rest, " \t\r\n") {
		return "has a blank in it: write it as %20"
	}
	return ""
}

// parseWords returns the reason of a *pgconn.ParseConfigError without a byte of
// its text. Comparing with the end of the text is safe: it is pgconn's own.
func parseWords(err error) string {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		if strings.ContainsAny(pathErr.Path, "@=:& ") { // not a plain path: may be a mislaid password
			return "names a certificate or key file that cannot be read"
		}
		return "cannot read " + pathErr.Path + ": " + pathErr.Err.Error()
	}
	text := err.Error()
	for _, known := range []struct{ end, words string }{
		{"invalid port", "has a port that is not a number from 1 to 65535 (a password there must follow a user name and end with @)"},
		{"(unable to add CA to cert pool)", "sslrootcert holds no PEM certificate"},
		{"(sslmode is invalid)", "sslmode must be one of disable, allow, prefer, require, verify-ca, verify-full"},
		{`(both "sslcert" and "sslkey" are required)`, "sslcert and sslkey must be given together"},
		{"(failed to decode sslkey)", "sslkey holds no PEM key"},
		{"is not in ConnStringAllowedKeys", "has an unknown parameter after ?: known are " + strings.Join(urlKeys(), ", ")},
	} {
		if strings.HasSuffix(text, known.end) {
			return known.words
		}
	}
	for _, known := range []struct{ part, words string }{
		{"`: failed to parse as URL", "cannot be parsed: % must be followed by two hexadecimal digits, and parameters are name=value"},
		{"`: failed to configure TLS", "names certificate or key files that cannot be used"},
		{"`: could not match", "must name one port, or one port for each host"},
		{
			"`: unknown target_session_attrs",
			"target_session_attrs must be one of any, read-write, read-only, primary, standby, prefer-standby",
		},
		{"`: failed to read service", "names a service that is not in the service file"},
	} {
		if strings.Contains(text, known.part) {
			return known.words
		}
	}
	return "cannot be parsed"
}
