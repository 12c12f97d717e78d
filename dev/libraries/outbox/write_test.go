package outbox_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/dev/libraries/outboxtest"
	"github.com/walpost/walpost/pkg/outbox"
)

// nasty is text that must come through every quoting.
const nasty = "a \"b\" 'c' \\d {e,f} NULL $1 \t\n ü 😀"

func TestRowsAsWritten(t *testing.T) {
	t.Parallel()
	config := outbox.Config{
		Types:   map[string]string{"payload": "text"},
		Columns: outbox.Columns{SchemaVersion: "version"},
		Headers: []outbox.HeaderColumn{{Header: "tenant", Column: "tenant"}},
	}
	const query = "SELECT row(aggregatetype, aggregateid, type, payload, version, tenant)::text FROM outbox ORDER BY id"
	given := []outbox.Event{
		{
			AggregateType: "order", AggregateID: nasty, Type: nasty, Payload: []byte(nasty),
			Headers: []outbox.Header{{Name: "tenant", Value: nasty}}, SchemaVersion: 3,
		},
		{AggregateType: "order", AggregateID: "NULL", Type: "null", Payload: nil},
		{AggregateType: "order", AggregateID: "a", Type: "b", Payload: []byte{}, Headers: []outbox.Header{{Name: "tenant", Value: ""}}},
		{AggregateType: "order", AggregateID: "a", Type: "b", Payload: json.RawMessage(` {"b":1,  "a":2.50} `)},
		{AggregateType: "order", AggregateID: "a", Type: "b", Payload: struct{ A string }{"x"}},
	}
	var want []string
	reference := newStore(t, config)
	for _, e := range given { // by the server's own quoting
		payload := []any{e.Payload}
		switch p := e.Payload.(type) {
		case []byte:
			payload[0] = string(p)
		case json.RawMessage:
			payload[0] = string(p)
		case struct{ A string }:
			payload[0] = `{"A":"x"}`
		}
		var tenant, version any
		if len(e.Headers) == 1 {
			tenant = e.Headers[0].Value
		}
		if e.SchemaVersion != 0 {
			version = e.SchemaVersion
		}
		var line string
		err := reference.Conn.QueryRow(t.Context(), "SELECT row($1::text, $2::text, $3::text, $4::text, $5::int, $6::text)::text",
			e.AggregateType, e.AggregateID, e.Type, payload[0], version, tenant).Scan(&line)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, line)
	}
	for name, write := range writers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			one, many := newStore(t, config), newStore(t, config)
			for _, e := range given {
				write(t, one, e)
			}
			write(t, many, given...)
			one.Want(t, query, want...)
			many.Want(t, query, want...)
		})
	}
}

// writers are the ways to a transaction, with every mode of pgx.
func writers() map[string]func(t *testing.T, s *store, events ...outbox.Event) {
	all := map[string]func(t *testing.T, s *store, events ...outbox.Event){
		"database/sql": func(t *testing.T, s *store, events ...outbox.Event) {
			t.Helper()
			tx, err := s.SQL.BeginTx(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(s.Events.Write(t.Context(), tx, events...), tx.Commit()); err != nil {
				t.Fatal(err)
			}
		},
		"pgx.Tx": func(t *testing.T, s *store, events ...outbox.Event) {
			t.Helper()
			s.Write(t, events...)
		},
	}
	for _, mode := range []pgx.QueryExecMode{
		pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeDescribeExec, pgx.QueryExecModeExec,
		pgx.QueryExecModeSimpleProtocol,
	} {
		all["pgx "+mode.String()] = func(t *testing.T, s *store, events ...outbox.Event) {
			t.Helper()
			config, err := pgx.ParseConfig(s.URL)
			if err != nil {
				t.Fatal(err)
			}
			config.DefaultQueryExecMode = mode
			conn, err := pgx.ConnectConfig(t.Context(), config)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close(t.Context())
			if err := s.Events.Write(t.Context(), outbox.UncheckedPgx(conn), events...); err != nil {
				t.Fatal(err)
			}
		}
	}
	return all
}

func TestPackageWriteFitsTheDefaultTable(t *testing.T) {
	t.Parallel()
	s := newStore(t, outbox.Config{})
	if err := outbox.Write(t.Context(), outbox.UncheckedPgx(s.Conn), outboxtest.Events(1, 3)...); err != nil {
		t.Fatal(err)
	}
	s.Want(t, outboxtest.Numbers, "1", "2", "3")
}

func TestRollbackWritesNothing(t *testing.T) {
	t.Parallel()
	s := newStore(t, outbox.Config{})
	tx, err := s.Conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.MustWrite(t, tx, 1)
	savepoint, err := tx.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.MustWrite(t, savepoint, 2)
	if err := savepoint.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.MustWrite(t, tx, 3)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if tx, err = s.Conn.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.MustWrite(t, tx, 4)
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	std, err := s.SQL.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Events.Write(t.Context(), std, outboxtest.Event(5)), std.Rollback()); err != nil {
		t.Fatal(err)
	}
	s.Want(t, outboxtest.Numbers, "1", "3")
}

func TestPreparedTransactions(t *testing.T) {
	t.Parallel()
	p := devstacktest.StartPostgres(t, devstack.PostgresOptions{Settings: map[string]string{"max_prepared_transactions": "2"}})
	conn, err := p.Connect(t.Context(), "postgres")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	s := &store{outboxtest.New(t, devstacktest.Database{Name: "postgres", URL: p.URL("postgres"), Conn: conn, Server: p}, outbox.Config{})}
	for n, end := range []string{"COMMIT", "ROLLBACK"} {
		s.Exec(t, "BEGIN")
		if err := s.Events.Write(t.Context(), outbox.UncheckedPgx(s.Conn), outboxtest.Event(n)); err != nil {
			t.Fatal(err)
		}
		s.Exec(t, "PREPARE TRANSACTION 'p'")
		s.Want(t, "SELECT 'seen' FROM outbox WHERE payload->>'n' = '"+fmt.Sprint(n)+"'")
		s.Exec(t, end+" PREPARED 'p'")
	}
	s.Want(t, outboxtest.Numbers, "0")
}

func TestManyEventsAreOneStatement(t *testing.T) {
	t.Parallel()
	s := newStore(t, outbox.Config{})
	tx := &counted{inner: outbox.UncheckedPgx(s.Conn)}
	const many = 20000 // as single parameters, more than the 65,535 of a statement
	if err := s.Events.Write(t.Context(), tx, outboxtest.Events(1, many)...); err != nil {
		t.Fatal(err)
	}
	if len(tx.statements) != 1 {
		t.Errorf("%d statements", len(tx.statements))
	}
	s.Want(t, "SELECT row(count(*), count(DISTINCT id))::text FROM outbox", "(20000,20000)")
	s.Want(t, "SELECT 'not in order' FROM (SELECT payload->>'n' AS n, row_number() OVER (ORDER BY id) AS i FROM outbox) x WHERE n <> "+
		"i::text")
	s.Want(t, "SELECT 'not in order' FROM (SELECT payload->>'n' AS n, row_number() OVER (ORDER BY ctid) AS i FROM outbox) x WHERE n <> "+
		"i::text")
}

func TestCancelledContext(t *testing.T) {
	t.Parallel()
	s := newStore(t, outbox.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	tx, err := s.SQL.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Events.Write(ctx, tx, outboxtest.Event(1)); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	_ = tx.Rollback()
	s.Want(t, outboxtest.Numbers)
}

// Whether a COMMIT that was cancelled has happened, the caller cannot know; the
// event must be there exactly if the data is.
func TestCommitCancelled(t *testing.T) {
	t.Parallel()
	s := newStore(t, outbox.Config{})
	s.Exec(t, "CREATE TABLE orders (id int)")
	failed := 0
	for n := range 60 {
		conn := s.Connect(t)
		tx, err := conn.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(t.Context(), "INSERT INTO orders VALUES ($1)", n); err != nil {
			t.Fatal(err)
		}
		s.MustWrite(t, tx, n)
		ctx, cancel := context.WithCancel(t.Context())
		go cancel() // before, during or after
		if err := tx.Commit(ctx); err != nil {
			failed++
		}
		cancel()
		_ = conn.Close(t.Context())
	}
	t.Logf("%d of 60 commits failed", failed)
	devstacktest.Await(t, "all sessions to end", func() bool {
		return len(s.Text(t, "SELECT pid::text FROM pg_stat_activity WHERE datname = current_database() AND xact_start IS NOT NULL AND "+
			"pid <> pg_backend_pid()")) == 0
	})
	s.Want(t, "SELECT coalesce(orders.id::text, 'event without data') FROM orders FULL JOIN outbox ON payload->>'n' = orders.id::text "+
		"WHERE orders.id IS NULL OR outbox.id IS NULL")
}

func TestDeleteAfterWrite(t *testing.T) {
	t.Parallel()
	s := newStore(t, outbox.Config{DeleteAfterWrite: true})
	s.Exec(t, "SELECT pg_create_logical_replication_slot('"+s.Name+"', 'pgoutput')",
		"CREATE PUBLICATION p FOR TABLE outbox WITH (publish = 'insert')")
	tx := &counted{inner: outbox.UncheckedPgx(s.Conn)}
	s.Exec(t, "BEGIN")
	if err := s.Events.Write(t.Context(), tx, outboxtest.Events(1, 3)...); err != nil {
		t.Fatal(err)
	}
	s.Exec(t, "COMMIT")
	if len(tx.statements) != 2 {
		t.Errorf("%d statements", len(tx.statements))
	}
	s.Want(t, outboxtest.Numbers)
	s.Want(t, "SELECT chr(get_byte(data, 0)) FROM pg_logical_slot_peek_binary_changes('"+s.Name+
		"', upto_lsn => NULL, upto_nchanges => NULL, VARIADIC options => ARRAY['proto_version', '1', 'publication_names', 'p'])",
		"B", "R", "I", "I", "I", "C")
}

func TestSwallowedRowsAreAnError(t *testing.T) {
	t.Parallel()
	s := newStore(t, outbox.Config{})
	s.Exec(t, "CREATE RULE away AS ON INSERT TO outbox DO INSTEAD NOTHING")
	if err := s.Events.Write(t.Context(), outbox.UncheckedPgx(s.Conn), outboxtest.Event(1)); err == nil ||
		!strings.Contains(err.Error(), "0 rows instead of 1") {
		t.Errorf("%v", err)
	}
}

func TestOtherTypesAndNames(t *testing.T) {
	t.Parallel()
	db := stack.Database(t)
	db.Exec(t, `CREATE SCHEMA "My ""Schema"`, `CREATE TYPE public."Kind" AS ENUM ('order')`)
	s := &store{outboxtest.New(t, db, outbox.Config{
		Table:   `"My ""Schema"."Out.Box"`,
		Columns: outbox.Columns{ID: "the ID", AggregateType: "Kind", AggregateID: "key", Type: "it's", Payload: "value"},
		Types: map[string]string{
			"the ID": "varchar(40)", "Kind": `public."Kind"`, "key": "bigint", "it's": "varchar(5)", "value": "bytea",
		},
		Topic: "x.{Kind}.{it's}",
	})}
	e := outbox.Event{ID: "mine", AggregateType: "order", AggregateID: "9007199254740993", Type: "Added", Payload: []byte("\x00\xff")}
	other := e
	other.ID = "yours"
	s.Write(t, e)
	e.ID = "mine too"
	s.Write(t, e, other)
	s.Want(t, `SELECT row("the ID", "Kind", key, "it's", value)::text FROM "My ""Schema"."Out.Box" ORDER BY ctid`,
		`(mine,order,9007199254740993,Added,"\\x00ff")`, `("mine too",order,9007199254740993,Added,"\\x00ff")`,
		`(yours,order,9007199254740993,Added,"\\x00ff")`)
	for _, all := range [][]outbox.Event{{other}, {other, other}} {
		for i := range all {
			all[i].ID, all[i].Type = fmt.Sprint("long", i), "Longer"
		}
		if err := s.Events.Write(t.Context(), outbox.UncheckedPgx(s.Conn), all...); err == nil {
			t.Errorf("%d events: a type of 6 characters was cut to 5 in silence", len(all))
		}
	}
}

// The types that without their length are of length 1 are not cut to it.
func TestTypesOfFixedLength(t *testing.T) {
	t.Parallel()
	for kind, texts := range map[string][2]string{
		"char(5)": {"Added", "Longer"}, "CHARACTER (5)": {"Added", "Longer"}, "bit(3)": {"101", "1010"},
	} {
		s := newStore(t, outbox.Config{Types: map[string]string{"type": kind}})
		fits := outboxtest.Event(1)
		fits.Type = texts[0]
		s.Write(t, fits)
		s.Write(t, fits, fits)
		s.Want(t, "SELECT DISTINCT type::text FROM outbox", texts[0])
		fits.Type = texts[1]
		if err := s.Events.Write(t.Context(), outbox.UncheckedPgx(s.Conn), fits); err == nil {
			t.Errorf("%s: %s was cut in silence", kind, texts[1])
		}
	}
}

func TestTraceContext(t *testing.T) {
	t.Parallel()
	type key struct{}
	s := newStore(t, outbox.Config{TraceContext: func(ctx context.Context) (parent, state string) {
		pair, _ := ctx.Value(key{}).([2]string)
		return pair[0], pair[1]
	}})
	const good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	for _, pair := range [][2]string{
		{good, "vendor=1"},
		{good, ""},
		{good, "a\nb"},
		{"", "vendor=1"},
		{good[:54], ""},
		{"ff" + good[2:], ""},
		{good + "-x", ""},
		{"cc" + good[2:] + "-x", ""},
		{"00-00000000000000000000000000000000-00f067aa0ba902b7-01", ""},
		{"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", ""},
		{strings.ToUpper(good), ""},
	} {
		ctx := context.WithValue(t.Context(), key{}, pair)
		if err := s.Events.Write(ctx, outbox.UncheckedPgx(s.Conn), outboxtest.Event(1)); err != nil {
			t.Fatal(err)
		}
	}
	s.Want(t, "SELECT row(traceparent, tracestate)::text FROM outbox ORDER BY id",
		"("+good+",vendor=1)", "("+good+",)", "("+good+",)", "(,)", "(,)", "(,)", "(,)", "(cc"+good[2:]+"-x,)", "(,)", "(,)", "(,)")
}
