package admin

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path"
	"slices"
	"strings"
)

// hosts are the names under which the server is asked. A page of a stranger, open in
// a browser near it, can let its own name lead here (DNS rebinding) and would then
// read everything as if it were its own. What it cannot change is that the browser
// says this name.
type hosts struct {
	names   []string // in small letters, as all of these
	globs   []string // admin.hosts
	private bool     // whether the listener is open to the network, where machines have names of their own
}

// newHosts takes the address that was asked for, host:port, and the one that is open.
func newHosts(listen string, open net.Addr, globs []string) hosts {
	var h hosts
	for _, glob := range globs {
		h.globs = append(h.globs, strings.ToLower(glob))
	}
	if name, _, err := net.SplitHostPort(listen); err == nil && name != "" {
		h.names = append(h.names, strings.ToLower(name))
	}
	if name, err := os.Hostname(); err == nil {
		h.names = append(h.names, strings.ToLower(name))
	}
	tcp, ok := open.(*net.TCPAddr)
	h.private = !ok || !tcp.IP.IsLoopback()
	return h
}

// privateDomains belong to nobody in the public DNS: RFC 6761, 6762 (appendix G), 8375,
// and those of Kubernetes.
func privateDomains() []string {
	return []string{".local", ".internal", ".intranet", ".private", ".corp", ".home", ".lan", ".home.arpa", ".svc"}
}

// known reports whether a request with this header Host may be answered. No name at
// all is from a program: browsers send one.
func (h hosts) known(header string) bool {
	name := header
	if host, _, err := net.SplitHostPort(header); err == nil {
		name = host
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	bare := strings.TrimSuffix(strings.TrimPrefix(name, "["), "]")
	if _, err := netip.ParseAddr(bare); err == nil || name == "" {
		return true // an address is nobody's name
	}
	if name == "localhost" || strings.HasSuffix(name, ".localhost") || slices.Contains(h.names, name) {
		return true
	}
	for _, glob := range h.globs {
		if matched, err := path.Match(glob, name); err == nil && matched {
			return true
		}
	}
	return h.private && (!strings.Contains(name, ".") || slices.ContainsFunc(privateDomains(), func(d string) bool {
		return strings.HasSuffix(name, d)
	}))
}

// longestHost is how much of an unknown name is shown.
const longestHost = 100

// check answers what asks under an unknown name, but for /healthz, which says nothing:
// a probe that names the host otherwise must not lead to a restart.
func (h hosts) check(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h.known(r.Host) || r.URL.Path == healthPath {
			next.ServeHTTP(w, r)
			return
		}
		protect(w.Header())
		answer(w, http.StatusMisdirectedRequest, fmt.Sprintf("%.*q is no name of this server: ask by its address, or add the name to "+
			"admin.hosts\n", longestHost, r.Host))
	})
}
