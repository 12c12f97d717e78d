package postgres

import (
	"context"
	"errors"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// Hosts is how the server is found among the hosts of a URL.
type Hosts struct {
	Names []string // host:port of each
	Attrs string   // target_session_attrs as the URL or the environment has it; "": the primary among several
}

// Hosts reads the URL.
func (t Target) Hosts() (Hosts, error) {
	raw, err := t.URL()
	if err != nil {
		return Hosts{}, &Error{Kind: Configuration, Op: "postgres.url", Text: err.Error()}
	}
	cfg, err := parseURL(raw)
	if err != nil {
		return Hosts{}, err
	}
	return Hosts{Names: hosts(&cfg.Config), Attrs: attrsOf(raw)}, nil
}

// attrsOf is the target_session_attrs that somebody has chosen; "" is nobody.
func attrsOf(raw string) string {
	_, query, _ := strings.Cut(raw, "?") // net/url knows no URL with several hosts
	if values, err := url.ParseQuery(query); err == nil && values.Has("target_session_attrs") {
		return values.Get("target_session_attrs")
	}
	return os.Getenv("PGTARGETSESSIONATTRS")
}

// seekPrimary makes the primary the only server that will do, where several hosts or
// addresses are named and nobody has chosen otherwise: after a failover the first of
// them may be a standby. Not read-write, which a role that only reads never meets.
func seekPrimary(cfg *pgconn.Config, attrs string) {
	if original := cfg.ValidateConnect; attrs != "" {
		if original != nil {
			cfg.ValidateConnect = func(ctx context.Context, conn *pgconn.PgConn) error {
				err := original(ctx, conn)
				if errors.Is(err, pgconn.ErrReadOnlyConnection) && conn.ParameterStatus("in_hot_standby") == "off" {
					return errReadOnlyRole
				}
				return err
			}
		}
		return
	}
	several := len(hosts(cfg)) > 1
	lookup := cfg.LookupFunc
	cfg.LookupFunc = func(ctx context.Context, host string) ([]string, error) {
		addresses, err := lookup(ctx, host)
		several = several || severalServers(addresses)
		return addresses, err
	}
	cfg.ValidateConnect = func(_ context.Context, conn *pgconn.PgConn) error {
		if several && OnStandby(conn) {
			return pgconn.ErrStandbyConnection
		}
		return nil
	}
}

// OnStandby reports whether the server is in recovery, as it says by itself when a
// connection is made and when that changes.
func OnStandby(conn *pgconn.PgConn) bool { return conn.ParameterStatus("in_hot_standby") == "on" }

// errReadOnlyRole is a primary that target_session_attrs=read-write refuses.
var errReadOnlyRole = errors.New("a primary where the role's transactions are read only")

// severalServers reports whether a name stands for more than one server: an address
// of IPv4 and one of IPv6 are most likely two ways to the same one.
func severalServers(addresses []string) bool {
	v4 := 0
	for _, a := range addresses {
		if ip := net.ParseIP(a); ip != nil && ip.To4() != nil {
			v4++
		}
	}
	return v4 > 1 || len(addresses)-v4 > 1
}

// Near is the way to the very server at the other end of a connection: what is asked
// beside a stream, or beside the making of a slot, must not be asked of another host
// of the URL.
func (t Target) Near(conn *pgconn.PgConn) Target {
	if t.Dial == nil {
		t.server = conn.Conn().RemoteAddr().String()
	}
	return t
}

// errOtherServer is an attempt at an address that Near has ruled out.
var errOtherServer = errors.New("not the server of the connection beside this one")

// onlyServer refuses every address but the one of Near.
func (t Target) onlyServer(cfg *pgconn.Config) {
	if t.server == "" {
		return
	}
	dial := cfg.DialFunc
	cfg.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		if address != t.server {
			return nil, errOtherServer
		}
		return dial(ctx, network, address)
	}
}

// withoutNoise leaves out the attempts that say nothing of a server: at addresses
// that Near has ruled out, and with TLS where plain text was tried as well.
func withoutNoise(cfg *pgconn.Config, attempts []error) []error {
	plain := func(c *pgconn.Config) bool {
		return c.TLSConfig == nil || slices.ContainsFunc(c.Fallbacks, func(fb *pgconn.FallbackConfig) bool { return fb.TLSConfig == nil })
	}(cfg)
	said := slices.DeleteFunc(slices.Clone(attempts), func(err error) bool {
		return errors.Is(err, errOtherServer) || plain && noTLS(err)
	})
	if len(said) == 0 {
		return attempts
	}
	return said
}

// hostFault words an answer of a server that is not the kind of server asked for;
// nil when err is none.
func hostFault(err error) *Error {
	switch {
	case errors.Is(err, errReadOnlyRole):
		return &Error{
			Kind: Configuration,
			Text: "is a primary, but default_transaction_read_only is on for the role or the database, and target_session_attrs asks " +
				"for read-write",
			Hint: "write target_session_attrs=primary, or leave it out: walpost looks for the primary",
		}
	case errors.Is(err, pgconn.ErrStandbyConnection), errors.Is(err, pgconn.ErrReadOnlyConnection):
		return &Error{Kind: Standby, Text: standbyText, Hint: standbyHint}
	case errors.Is(err, pgconn.ErrPrimaryConnection), errors.Is(err, pgconn.ErrReadWriteConnection):
		return &Error{
			Kind: Configuration, Text: "is a primary, and target_session_attrs asks for another kind of server",
			Hint: "write target_session_attrs=primary, or leave it out: walpost looks for the primary",
		}
	case strings.Contains(err.Error(), "ValidateConnect failed"):
		return &Error{Kind: Lost, Text: "broke off when it was asked whether it is the primary"}
	default:
		return nil
	}
}

// What is said of a standby, wherever one answers.
const (
	standbyText = "this server is a standby"
	standbyHint = "postgres.url must lead to the primary: name it, or all hosts, among which walpost looks for it"
)

// StandbyError is what refuses op on a standby.
func StandbyError(op string) *Error {
	return &Error{Kind: Standby, Op: op, Text: standbyText, Hint: standbyHint}
}
