package devstack

import (
	"net/url"
)

// Addr is the address the server listens on, host:port.
func (p *Postgres) Addr() string { return address(p.port) }

// Port is the TCP port the server listens on; it stays the same over restarts.
func (p *Postgres) Port() int { return p.port }

// SocketDir is the folder of the Unix socket, through which everybody is let in.
func (p *Postgres) SocketDir() string { return p.guard.dir }

// URL is the libpq URL of a database for the superuser, by TCP. With TLS it verifies the server against the CA.
func (p *Postgres) URL(database string) string {
	return p.URLFor(superuser, p.options.Password, database)
}

// URLFor is the libpq URL of a database for another role; an empty password is left out.
func (p *Postgres) URLFor(user, password, database string) string {
	return p.URLVia(p.Addr(), user, password, database)
}

// URLVia is URLFor through another address that leads to the server, such as a Proxy's.
func (p *Postgres) URLVia(addr, user, password, database string) string {
	u := url.URL{Scheme: "postgres", Host: addr, User: url.User(user), Path: "/" + database}
	if password != "" {
		u.User = url.UserPassword(user, password)
	}
	query := url.Values{"sslmode": {"disable"}}
	if p.options.TLS != nil {
		query = url.Values{"sslmode": {"verify-full"}, "sslrootcert": {p.CAFile()}}
	}
	u.RawQuery = query.Encode()
	return u.String()
}
