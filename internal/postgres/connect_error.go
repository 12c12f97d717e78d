package postgres

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/walpost/walpost/internal/neterr"
	"github.com/walpost/walpost/internal/pgname"
)

// connectError says why no host of the URL could be used: host and port, role,
// database and the reason in words, for each host that was tried.
func connectError(cfg *pgconn.Config, err error) *Error {
	attempts := leaves(err)
	if len(attempts) == 0 {
		attempts = []error{err}
	}
	attempts = withoutNoise(cfg, attempts)
	result := &Error{Op: "connect to " + places(cfg) + " as " + cfg.User + ", database " + cfg.Database}
	var texts []string
	for i, attempt := range attempts {
		e := attemptError(cfg, attempt)
		text := e.Text
		if len(hosts(cfg)) > 1 {
			text = addressOf(attempt) + text
		}
		if !slices.Contains(texts, text) { // localhost has two addresses, sslmode=prefer two attempts
			texts = append(texts, text)
		}
		if i == 0 || weight(e.Kind) > weight(result.Kind) {
			result.Kind, result.Hint, result.Code, result.Cause = e.Kind, e.Hint, e.Code, e.Cause
		}
	}
	result.Text = strings.Join(texts, "; ")
	if result.Kind == Standby && len(hosts(cfg)) > 1 { // one of them will be promoted
		result.Kind, result.Hint = Unreachable, "none of them is a primary: waiting for a promotion"
	}
	return result
}

// weight says which of several answers counts. A primary that will not do is the last
// word. As long as one host may come back, waiting may help. Any other answer says
// more than that a host is a standby.
func weight(k Kind) int {
	switch {
	case k == Configuration:
		return 3
	case !k.Answered():
		return 2
	case k != Standby:
		return 1
	default:
		return 0
	}
}

func noTLS(err error) bool { return strings.HasSuffix(err.Error(), "server refused TLS connection") }

// leaves returns the error of each attempt: pgconn joins one per address.
func leaves(err error) []error {
	for err != nil {
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			return joined.Unwrap()
		}
		err = errors.Unwrap(err)
	}
	return nil
}

func hosts(cfg *pgconn.Config) []string {
	list := []string{hostPort(cfg.Host, cfg.Port)}
	for _, fb := range cfg.Fallbacks {
		if hp := hostPort(fb.Host, fb.Port); !slices.Contains(list, hp) {
			list = append(list, hp)
		}
	}
	return list
}

func places(cfg *pgconn.Config) string { return strings.Join(hosts(cfg), ", ") }

// addressOf returns the address of an attempt, which pgconn puts first, in front of
// the name in brackets.
func addressOf(attempt error) string {
	if dns, ok := errors.AsType[*net.DNSError](attempt); ok {
		return dns.Name + ": "
	}
	address, _, ok := strings.Cut(attempt.Error(), " (")
	if !ok || strings.ContainsAny(address, "@ ") {
		return ""
	}
	return address + ": "
}

// attemptError classifies one attempt.
func attemptError(cfg *pgconn.Config, err error) *Error {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return serverRefusal(cfg, pg)
	}
	if e := tlsFault(err); e != nil {
		return e
	}
	if errors.Is(err, context.Canceled) {
		return &Error{Kind: Canceled, Text: context.Canceled.Error(), Cause: context.Canceled}
	}
	if errors.Is(err, errOtherServer) {
		return &Error{Kind: Unreachable, Text: "another server answers there than beside it"}
	}
	if e := hostFault(err); e != nil {
		return e
	}
	switch text := err.Error(); {
	case strings.Contains(text, "require_auth check failed"), strings.Contains(text, "channel binding"):
		return &Error{Kind: Refused, Text: "server does not offer the authentication that require_auth or channel_binding demands"}
	case strings.Contains(text, "SCRAM"):
		return &Error{Kind: Refused, Text: "SCRAM authentication failed: the server could not prove that it knows the password"}
	}
	return &Error{Kind: Unreachable, Text: networkReason(err), Cause: contextCause(err)}
}

// serverRefusal puts the answer a server gave to a connection attempt in words.
func serverRefusal(cfg *pgconn.Config, pg *pgconn.PgError) *Error {
	e := &Error{Kind: kindOf(pg), Text: scrub(cfg, pg.Message), Code: pg.Code, Cause: pg}
	switch {
	case pg.Code == "28P01":
		e.Text, e.Hint = wrongPassword(cfg.Password)
	case e.Kind == Refused:
		e.Hint = "check that the role exists and may log in, and pg_hba.conf"
	case e.Kind == NoDatabase:
		e.Text = "database does not exist"
	case e.Kind == Pooler:
		e.Hint = poolerHint(pg.Message)
	case e.Kind == InsufficientPrivilege && cfg.RuntimeParams["replication"] != "":
		e.Text = "role has no REPLICATION attribute"
		e.Hint = "ALTER ROLE " + pgname.Quote(cfg.User) + " REPLICATION"
	case e.Kind == SlotMissing: // 42704 before any command: a setting this server does not know
		e.Kind = Unsupported
	default:
	}
	return e
}

func wrongPassword(password string) (text, hint string) {
	if password == "" {
		return "no password was given", "set postgres.password, PGPASSWORD or ~/.pgpass"
	}
	return "password authentication failed", "check postgres.password, or the password of the role"
}

// poolerHint returns what helps where a pooler refuses with this message.
func poolerHint(message string) string {
	if strings.Contains(message, "startup parameter") && !strings.Contains(message, "replication") {
		return "a connection pooler answers here, and refuses a setting that the texts of records depend on; connect to Postgres " +
			"directly: its ignore_startup_parameters alone is not enough (docs/managed-services.md)"
	}
	return "a connection pooler answers here; connect to Postgres directly, replication does not pass through poolers"
}

// scrub keeps the password out of a server's message even where a broken URL put
// a part of it in another field.
func scrub(cfg *pgconn.Config, text string) string {
	if cfg.Password == "" || cfg.Password == cfg.User || cfg.Password == cfg.Database || len(cfg.Password) < 4 {
		return text
	}
	return strings.ReplaceAll(text, cfg.Password, "***")
}

// tlsFault returns what is wrong with TLS, and what to change; nil if err is not about TLS.
func tlsFault(err error) *Error {
	fault, text := neterr.TLS(err)
	hint := ""
	switch {
	case fault == neterr.UnknownAuthority:
		hint = "set sslrootcert to the CA that signed it"
	case fault == neterr.WrongName:
		hint = "connect by one of these names"
	case fault == neterr.Alert:
		hint = "it may want a client certificate: sslcert and sslkey"
	case fault == neterr.None && noTLS(err):
		text, hint = "server has no TLS, and sslmode demands it", "turn ssl on in postgresql.conf"
	case fault == neterr.None:
		return nil
	}
	return &Error{Kind: Untrusted, Text: text, Hint: hint}
}

// networkReason returns why a connection failed or broke.
func networkReason(err error) string {
	if reason := neterr.Reason(err); reason != "" {
		return reason
	}
	if errors.Is(err, pgconn.ErrConnClosed) {
		return "closed"
	}
	return "failed for a reason the network did not name"
}
