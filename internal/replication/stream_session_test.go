package replication

import (
	"bytes"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/postgres/postgrestest"
)

// TestSessionSettings: settings of role and database have no effect on any session,
// neither on how values are printed nor on how long it may last.
func TestSessionSettings(t *testing.T) {
	t.Parallel()
	db := stack.Database(t)
	role := stack.Name(t)
	db.Exec(t, "CREATE ROLE "+role+" LOGIN REPLICATION")
	other := map[string]string{
		"DateStyle": "German", "TimeZone": "Asia/Tokyo", "bytea_output": "escape", "extra_float_digits": "0",
		"IntervalStyle":   "sql_standard",
		"client_encoding": "LATIN1", "lc_monetary": "C.UTF-8", "search_path": "public", "quote_all_identifiers": "on", "row_security": "on",
		"standard_conforming_strings": "off",
	}
	for _, s := range postgres.SessionSettings() {
		if s.Since > db.Server.Major() {
			continue
		}
		value, known := other[s.Name]
		if !known {
			value = "1h" // a limit of time
		}
		db.Exec(t, "ALTER ROLE "+role+" SET "+s.Name+" TO '"+value+"'")
	}
	target := postgrestest.Target(db.Server.URLFor(role, "", db.Name))
	conn, err := target.Replication(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	session, err := Open(t.Context(), target, "none")
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close(t.Context())
	for name, conn := range map[string]*pgconn.PgConn{
		"replication": conn, "stream": session.conn, "plain": postgrestest.OpenSQL(t, target).PgConn(),
	} {
		for _, s := range postgres.SessionSettings() {
			row, err := postgres.OneRow(t.Context(), conn, "SELECT current_setting('"+s.Name+"', true)")
			if err != nil {
				t.Fatal(err)
			}
			if known := row[0] != nil; known != (s.Since <= db.Server.Major()) || known && string(row[0]) != s.Value {
				t.Errorf("%s: %s is %q, want %q", name, s.Name, row[0], s.Value)
			}
		}
		const query = `SELECT '\x00ff'::bytea::text, timestamptz '2026-01-01 00:00:00+00', 0.1::float8 + 0.2::float8,
			interval '1 day 2 hours', 'pg_class'::regclass, current_setting('application_name')`
		row, err := postgres.OneRow(t.Context(), conn, query)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := string(bytes.Join(row, []byte("|"))),
			`\x00ff|2026-01-01 00:00:00+00|0.30000000000000004|1 day 02:00:00|pg_class|walpost`; got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}
