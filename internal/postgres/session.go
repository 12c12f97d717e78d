package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/walpost/walpost/internal/pgname"
)

// Setting is a setting that every session of walpost has.
type Setting struct {
	Name  string
	Value string
	Since int // the first major version that knows it; 0: all that are supported
}

// SessionSettings are the settings of every session, of those that stream and of all
// others, whatever role, database and server have set. The text of a column is what
// Postgres prints under them, so the texts of records are made
// and tested under this list and no other.
func SessionSettings() []Setting {
	return []Setting{
		// What decides how a value is printed. TimeZone changes only what ranges of
		// timestamptz show; search_path and quote_all_identifiers what regclass shows.
		{Name: "client_encoding", Value: "UTF8"},
		{Name: "DateStyle", Value: "ISO, MDY"},
		{Name: "IntervalStyle", Value: "postgres"},
		{Name: "TimeZone", Value: "UTC"},
		{Name: "extra_float_digits", Value: "3"},
		{Name: "bytea_output", Value: "hex"},
		{Name: "lc_monetary", Value: "C"},
		{Name: "search_path", Value: "pg_catalog"},
		{Name: "quote_all_identifiers", Value: "off"},
		// Text that walpost quotes is read as it was meant.
		{Name: "standard_conforming_strings", Value: "on"},
		// A table is never read in part: what a policy would hide is an error.
		{Name: "row_security", Value: "off"},
		// Every limit of time that would end what has to wait.
		{Name: "lock_timeout", Value: "0"},
		{Name: "statement_timeout", Value: "0"},
		{Name: "idle_in_transaction_session_timeout", Value: "0"},
		{Name: "idle_session_timeout", Value: "0", Since: 14},
		{Name: "transaction_timeout", Value: "0", Since: 17},
	}
}

// startParameters are the settings that go into the startup packet: a server refuses
// a connection with one that it does not know.
func startParameters() map[string]string {
	params := map[string]string{}
	for _, s := range SessionSettings() {
		if s.Since == 0 {
			params[s.Name] = s.Value
		}
	}
	return params
}

// differing is a setting of a session as it is, and as it must be.
type differing struct {
	Setting
	is string
}

// settle makes sure that a session has every setting. What the startup packet asked
// for is read back: a pooler may have dropped it, a trigger at login changed it. What
// is not as it must be is set, and read again.
func settle(ctx context.Context, conn *pgconn.PgConn, stream bool) error {
	wrong, err := readSettings(ctx, conn)
	if err != nil || len(wrong) == 0 {
		return settingsError(err)
	}
	pooled, err := behindPooler(ctx, conn)
	if err != nil {
		return settingsError(err)
	}
	// The next statement of a pooled session may run in another one, and a setting
	// made here may stay for somebody else. A connection that streams is one of its
	// own behind a pooler too.
	if dropped := asked(wrong); pooled && !stream && len(dropped) > 0 {
		return &Error{
			Kind: Pooler, Op: settling,
			Text: "a connection pooler stands before Postgres and does not pass on what walpost asks for: " + listing(dropped),
			Hint: "connect to Postgres directly; records would get other texts, so ignore_startup_parameters alone is not enough: " +
				"ALTER ROLE … SET gives the role what the pooler drops (docs/managed-services.md)",
		}
	}
	var sql strings.Builder
	for _, s := range wrong {
		fmt.Fprintf(&sql, "SET %s TO %s;", s.Name, pgname.CommandLiteral(s.Value))
	}
	if _, err := conn.Exec(ctx, sql.String()).ReadAll(); err != nil {
		return settingsError(err)
	}
	if wrong, err = readSettings(ctx, conn); err != nil {
		return settingsError(err)
	}
	if len(wrong) > 0 {
		return &Error{
			Kind: Unsupported, Op: settling, Text: "Postgres, or what stands before it, does not keep what walpost sets: " + listing(wrong),
			Hint: "records would get other texts: connect to Postgres directly",
		}
	}
	return nil
}

// settling is what a session's error says was tried.
const settling = "settings of the session"

// settingsError is Classify, with what to do about a right that is missing.
func settingsError(err error) error {
	err = Classify(settling, err)
	if e, ok := err.(*Error); ok && e.Kind == InsufficientPrivilege && e.Hint == "" { //nolint:errorlint // Classify gives it bare
		e.Hint = "GRANT EXECUTE ON FUNCTION pg_catalog.current_setting(text, boolean), pg_catalog.pg_backend_pid() TO the role of " +
			"postgres.url"
	}
	return err
}

// readSettings returns the settings that are not as they must be. One that this server
// does not know is NULL.
func readSettings(ctx context.Context, conn *pgconn.PgConn) ([]differing, error) {
	all := SessionSettings()
	columns := make([]string, len(all))
	for i, s := range all {
		columns[i] = "pg_catalog.current_setting('" + s.Name + "', true)"
	}
	row, err := OneRow(ctx, conn, "SELECT "+strings.Join(columns, ", "))
	if err != nil {
		return nil, err
	}
	if len(row) != len(all) {
		return nil, fmt.Errorf("the server answered with %d settings instead of %d", len(row), len(all))
	}
	var wrong []differing
	for i, s := range all {
		if row[i] != nil && string(row[i]) != s.Value {
			wrong = append(wrong, differing{Setting: s, is: string(row[i])})
		}
	}
	return wrong, nil
}

// behindPooler reports whether the process that answers is another one than the
// server named when the connection was made.
func behindPooler(ctx context.Context, conn *pgconn.PgConn) (bool, error) {
	row, err := OneRow(ctx, conn, "SELECT pg_catalog.pg_backend_pid()")
	if err != nil {
		return false, err
	}
	return len(row) != 1 || string(row[0]) != fmt.Sprint(conn.PID()), nil
}

// OneRow asks over the simple protocol, which is all that a replication connection has.
func OneRow(ctx context.Context, conn *pgconn.PgConn, sql string) ([][]byte, error) {
	results, err := conn.Exec(ctx, sql).ReadAll()
	if err != nil {
		return nil, err
	}
	if len(results) != 1 || len(results[0].Rows) != 1 {
		return nil, fmt.Errorf("the server answered with %d results instead of one row", len(results))
	}
	return results[0].Rows[0], nil
}

// asked are the settings that were in the startup packet.
func asked(wrong []differing) []differing {
	var list []differing
	for _, s := range wrong {
		if s.Since == 0 {
			list = append(list, s)
		}
	}
	return list
}

func listing(wrong []differing) string {
	texts := make([]string, len(wrong))
	for i, s := range wrong {
		texts[i] = fmt.Sprintf("%s is %q and not %q", s.Name, s.is, s.Value)
	}
	return strings.Join(texts, ", ")
}
