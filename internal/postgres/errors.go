package postgres

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/walpost/walpost/internal/neterr"
)

// Kind says what a failure means for the relay: whether waiting helps, and who
// has to act.
type Kind int

// The kinds of a failure. The names are Postgres' own where it has one; the
// SQLSTATEs are in kindOf.
const (
	Unexpected            Kind = iota
	Configuration              // the URL, a password file or a certificate file cannot be read
	Unreachable                // nothing answers, or the server is starting, stopping or in recovery
	Untrusted                  // TLS: wrong CA, wrong host name, expired, or the server has no TLS
	Refused                    // wrong password, no such role, pg_hba.conf
	NoDatabase                 // the database does not exist
	Pooler                     // a connection pooler that does not pass replication connections
	InsufficientPrivilege      // the role lacks an attribute or a right
	TooMany                    // connections, walsenders or slots are used up
	NotReady                   // the server or the object is not in the state the command needs: wal_level, lost slot, other database
	SlotActive                 // another connection streams from the slot; PID says which
	SlotMissing                // the slot does not exist
	PublicationMissing         // the publication does not exist at this point of the WAL
	TableMissing               // the table, column or schema does not exist
	Exists                     // what is to be created is there already
	Unsupported                // the server's version does not know the command or option
	Standby                    // the server is in recovery, or read only
	Canceled                   // the caller or an operator gave up waiting
	Lost                       // an established connection broke; connecting again helps
)

// String returns the kind as a stable word for logs.
func (k Kind) String() string {
	names := [...]string{
		"unexpected", "configuration", "unreachable", "untrusted", "refused", "no_database", "pooler",
		"insufficient_privilege", "too_many", "not_ready", "slot_active", "slot_missing", "publication_missing",
		"table_missing", "exists", "unsupported", "standby", "canceled", "lost",
	}
	if k < 0 || int(k) >= len(names) {
		return "kind " + strconv.Itoa(int(k))
	}
	return names[k]
}

// Answered reports whether a server (or the local configuration) gave a definite answer,
// which waiting does not change. At the start of `run` such a failure is exit code 3; any
// other is waited out.
func (k Kind) Answered() bool {
	switch k {
	case Unreachable, Lost, TooMany, SlotActive, Canceled, Unexpected:
		return false
	default:
		return true
	}
}

// Error is every failure of this package. Its text names the place and the
// reason and never holds the URL or a password.
type Error struct {
	Kind Kind
	Op   string // what was tried and where, as in "connect to db:5432"
	Text string // the reason in words
	Hint string // what to do about it; "" when there is nothing to add
	Code string // SQLSTATE, "" when the server did not answer
	PID  int    // SlotActive: the backend that holds the slot, 0 when unknown

	rowSecurity bool // a policy would hide rows

	Cause error // context errors and *pgconn.PgError only: nothing that holds a connection string
}

func (e *Error) Error() string {
	s := e.Op + ": " + e.Text
	if e.Code != "" {
		s += " (SQLSTATE " + e.Code + ")"
	}
	if e.Hint != "" {
		s += "; " + e.Hint
	}
	return s
}

// Unwrap returns the server's answer or the context's error, if one was the cause.
func (e *Error) Unwrap() error { return e.Cause }

// KindOf returns the kind of an error of this package, Unexpected for any other.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Unexpected
}

// Unreadable reports whether the role may not read the table at all. A policy that
// would hide some of its rows is another matter, and must be told.
func Unreadable(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Kind == InsufficientPrivilege && !e.rowSecurity
}

// Classify turns an error that an established connection gave into an *Error. A
// nil error stays nil, and an *Error stays as it is.
func Classify(op string, err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return fromServer(op, pg)
	}
	if parse, ok := errors.AsType[*pgconn.ParseConfigError](err); ok { // its text may hold a password
		return &Error{Op: op, Kind: Configuration, Text: "URL " + parseWords(parse)}
	}
	e := &Error{Op: op, Kind: Unexpected, Text: err.Error(), Cause: contextCause(err)}
	switch {
	case e.Cause != nil:
		e.Kind = Canceled
		e.Text = e.Cause.Error()
	case isNetwork(err):
		e.Kind = Lost
		e.Text = "connection lost: " + networkReason(err)
		if errors.Is(err, pgconn.ErrConnClosed) { // the server has said why before, to nobody
			e.Hint = "the log of Postgres says why: pg_terminate_backend, a shutdown, or a limit such as transaction_timeout or " +
				"idle_session_timeout"
		}
	}
	return e
}

// contextCause returns the context's error inside err, without what wraps it.
func contextCause(err error) error {
	switch {
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.Is(err, context.DeadlineExceeded):
		return context.DeadlineExceeded
	default:
		return nil
	}
}

func isNetwork(err error) bool { return neterr.IsLost(err) || errors.Is(err, pgconn.ErrConnClosed) }

func fromServer(op string, pg *pgconn.PgError) *Error {
	e := &Error{Op: op, Kind: kindOf(pg), Text: pg.Message, Code: pg.Code, Cause: pg}
	if pg.Detail != "" {
		e.Text += " (" + pg.Detail + ")"
	}
	switch e.Kind {
	case SlotActive:
		e.PID = lastNumber(pg.Message)
		if e.PID != 0 {
			e.Hint = "SELECT pg_terminate_backend(" + strconv.Itoa(e.PID) + ") ends that connection"
		}
	case InsufficientPrivilege:
		e.Hint = pg.Hint
		if pg.Routine == "check_enable_rls" {
			e.rowSecurity = true
			e.Hint = "walpost reads with row_security off, so that no row is passed over: ALTER ROLE … BYPASSRLS, or disable row-level " +
				"security of the table"
		}
	default:
		e.Hint = limitHint(pg.Code)
	}
	return e
}

// limitHint names the setting that ended a statement or a connection. walpost sets
// each to 0 for its own sessions, so that somebody has a hand in it.
func limitHint(code string) string {
	const set = " of the session ended it, though walpost sets it to 0: look for a pooler, or an extension, that sets it again"
	switch code {
	case "25P03":
		return "idle_in_transaction_session_timeout" + set
	case "25P04":
		return "transaction_timeout" + set
	case "57P05":
		return "idle_session_timeout" + set
	case "57014":
		return "somebody cancelled it (pg_cancel_backend), or statement_timeout" + set
	default:
		return ""
	}
}

// kindOf goes by SQLSTATE and by the routine that raised the error: messages are
// translated by the server's lc_messages, routine names are not.
func kindOf(pg *pgconn.PgError) Kind {
	switch pg.Code {
	case "28P01", "28000":
		return Refused
	case "3D000":
		return NoDatabase
	case "42501":
		return InsufficientPrivilege
	case "08P01":
		return Pooler
	case "53300", "53400":
		return TooMany
	case "55006":
		return SlotActive
	case "55000":
		return NotReady
	case "42704":
		if strings.Contains(pg.Routine, "publication") {
			return PublicationMissing
		}
		return SlotMissing
	case "42P01", "42703", "3F000":
		return TableMissing
	case "42710", "42P07", "23505":
		return Exists
	case "0A000", "42601", "22023":
		return Unsupported
	case "25006":
		return Standby
	case "57014", "55P03":
		return Canceled
	case "57P03":
		return Unreachable
	case "57P01", "57P02", "57P05", "25P03", "25P04":
		return Lost
	default:
		if strings.HasPrefix(pg.Code, "08") {
			return Lost
		}
		return Unexpected
	}
}

// lastNumber finds the last run of digits in a message: the PID in "replication
// slot "x" is active for PID 123", in every language.
func lastNumber(s string) int {
	end := strings.LastIndexAny(s, "0123456789") + 1
	start := end
	for start > 0 && s[start-1] >= '0' && s[start-1] <= '9' {
		start--
	}
	n, err := strconv.Atoi(s[start:end])
	if err != nil {
		return 0
	}
	return n
}
