package vectortest_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/pgname"
	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/record"
	"github.com/walpost/walpost/internal/router"
	"github.com/walpost/walpost/internal/router/vectortest"
	"github.com/walpost/walpost/internal/topicname"
	"github.com/walpost/walpost/internal/wiring"
)

var stack devstacktest.Stack

func TestMain(m *testing.M) { os.Exit(stack.Main(m)) }

// routed is a record routed, copied, with the commit time of its transaction.
type routed struct {
	record.Record
	committed time.Time
}

// publish creates publication and slot for the outbox, as they are before the first row.
func publish(t *testing.T, db devstacktest.Database) {
	t.Helper()
	db.Exec(t,
		"CREATE PUBLICATION walpost FOR TABLE outbox WITH (publish_via_partition_root = true)",
		"SELECT pg_create_logical_replication_slot('"+db.Name+"', 'pgoutput')",
	)
}

// route reads what the slot holds, through the real output plugin in a session
// with the settings that production has, and routes the inserts.
func route(t *testing.T, db devstacktest.Database, r *router.Router) []routed {
	t.Helper()
	conn, err := postgres.Target{URL: func() (string, error) { return db.URL, nil }}.SQL(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	rows, err := conn.Query(t.Context(), `SELECT data FROM pg_logical_slot_get_binary_changes('`+db.Name+`',
		NULL::pg_lsn, NULL::int, 'proto_version', '1', 'publication_names', 'walpost')`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	decoder := pgoutput.NewDecoder()
	var records []routed
	var begun time.Time
	for rows.Next() {
		message, err := decoder.Decode(rows.RawValues()[0])
		if err != nil {
			t.Fatal(err)
		}
		switch m := message.(type) {
		case *pgoutput.Begin:
			begun = m.CommitTime
		case *pgoutput.Insert:
			rec, err := r.Route(m, begun, record.Position{})
			if err != nil {
				t.Fatal(err)
			}
			records = append(records, routed{Record: copyOf(rec), committed: begun})
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return records
}

func copyOf(rec *record.Record) record.Record {
	c := *rec
	c.Key, c.Value, c.Headers = bytes.Clone(rec.Key), bytes.Clone(rec.Value), slices.Clone(rec.Headers)
	for i := range c.Headers {
		c.Headers[i].Value = bytes.Clone(c.Headers[i].Value)
	}
	return c
}

// Every golden case that applies, from SQL on a real Postgres to the record.
func TestGoldenCases(t *testing.T) {
	cases, err := vectortest.ReadGolden(vectors + "golden.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		m, reason := c.Mapping()
		if reason != "" {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			r, err := router.New(m)
			if err != nil {
				t.Fatal(err)
			}
			db := stack.Database(t)
			statements := []string{c.DDL, c.Before}
			if c.Snapshot() { // what reads the table comes before the router: here they come as other rows do
				statements, c.SQL = statements[:1], slices.Insert(c.SQL, 0, c.Before)
			}
			db.Exec(t, statements...)
			learn(t, db, r)
			publish(t, db)
			db.Exec(t, c.SQL...)
			got := route(t, db, r)
			if len(got) != len(c.Records) {
				t.Fatalf("%d records, want %d", len(got), len(c.Records))
			}
			for i := range got {
				compare(t, &got[i], &c.Records[i], c.Partitions)
			}
		})
	}
}

// learn tells the router what the catalogue knows of the outbox, as the relay does.
func learn(t *testing.T, db devstacktest.Database, r *router.Router) {
	t.Helper()
	there, err := catalog.Inspect(t.Context(), db.Conn, catalog.ObjectNames{Table: pgname.Table{Schema: "public", Name: "outbox"}})
	if err != nil {
		t.Fatal(err)
	}
	types, err := catalog.ReadTypes(t.Context(), db.Conn, there.Table)
	if err != nil {
		t.Fatal(err)
	}
	r.Learn(wiring.Facts(there.Table, types))
}

func compare(t *testing.T, got *routed, want *vectortest.Record, partitions int32) {
	t.Helper()
	at := got.committed.UnixMilli()
	if want.Timestamp != nil {
		at = *want.Timestamp
	}
	if got.Topic != want.Topic || got.Timestamp != at {
		t.Errorf("topic %q at %d, want %q at %d", got.Topic, got.Timestamp, want.Topic, at)
	}
	partition := got.Partition
	if partition < 0 && got.Key != nil {
		partition = record.Partition(got.Key, partitions)
	}
	if want.Partition != nil && partition != *want.Partition || want.Partition == nil && partition != -1 {
		t.Errorf("partition %d", partition)
	}
	if !same(got.Key, want.Key) || !same(got.Value, want.Value) {
		t.Errorf("key %q, value %q, want %q, %q", got.Key, got.Value, want.Key, want.Value)
	}
	if !slices.EqualFunc(got.Headers, want.Headers, func(a, b record.Header) bool {
		return a.Name == b.Name && same(a.Value, b.Value)
	}) {
		t.Errorf("headers\n %q, want\n %q", got.Headers, want.Headers)
	}
}

func same(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(a, b) }

// The texts of all types from a real server, whatever the role and database have set.
func TestTextsDoNotDependOnSettings(t *testing.T) {
	columns := []struct{ typ, value, want string }{
		{"boolean", "true", "true"},
		{"date", "2026-01-01", "20454"},
		{"date", "0001-12-31 BC", "-719163"},
		{"date", "infinity", "infinity"},
		{"timestamp", "2026-01-01 00:00:00.123456", "1767225600123456"},
		{"timestamp(3)", "2026-01-01 00:00:00.123", "1767225600123"},
		{"timestamp(0)", "2026-01-01 00:00:00", "1767225600000"},
		{"timestamp", "4714-11-24 00:00:00 BC", "-210866803200000000"},
		{"timestamp", "294276-12-31 23:59:59.999999", "9224318015999999999"},
		{"timestamptz", "2026-01-01 02:00:00.123456+02", "2026-01-01T00:00:00.123456Z"},
		{"timestamptz(3)", "2026-01-01 00:00:00.12+00", "2026-01-01T00:00:00.120Z"},
		{"timestamptz(0)", "2026-01-01 00:00:00+00", "2026-01-01T00:00:00Z"},
		{"timestamptz", "0044-03-15 01:02:03.5+00 BC", "-0043-03-15T01:02:03.500000Z"},
		{"timestamptz", "12026-03-15 01:02:03+00", "+12026-03-15T01:02:03.000000Z"},
		{"timestamptz", "-infinity", "-infinity"},
		{"time", "23:59:59.123456", "86399123456"},
		{"time(3)", "23:59:59.123", "86399123"},
		{"time", "24:00:00", "86400000000"},
		{"timetz", "23:59:59.1+02", "21:59:59.1Z"},
		{"interval", "1 year 2 mons 3 days 04:05:06.7", "37091106700000"},
		{"interval", "-1 years -2 mons +3 days -04:05:06.7", "-36572706700000"},
		{"interval", "1 day -00:00:01", "86399000000"},
		{"real", "1.6777216e+07", "1.6777216E7"},
		{"real", "0.3", "0.3"},
		{"double precision", "1e10", "1.0E10"},
		{"double precision", "0.1", "0.1"},
		{"double precision", "123456789.123456789", "1.2345678912345679E8"},
		{"double precision", "NaN", "NaN"},
		{"double precision", "-Infinity", "-Infinity"},
		{"double precision", "5e-324", "4.9E-324"},
		{"numeric", "12.50", `{"scale":1,"value":"fQ=="}`},
		{"numeric(10,2)", "12.5", "12.50"},
		{"bytea", `\x0001ff`, "AAH/"},
		{"bit(1)", "1", "true"},
		{"bit(10)", "1000000001", "AQI="},
		{"bit varying", "101", "BQ=="},
		{"money", "-1234567.89", "-1234567.89"},
		{"point", "(1,2)", `{"x":1.0,"y":2.0,"wkb":"AQEAAAAAAAAAAADwPwAAAAAAAABA","srid":null}`},
		{"text[]", `{a,"b\"c",NULL,"NULL","","x y","a\\b"}`, `["a","b\"c",null,"NULL","","x y","a\\b"]`},
		{"int[]", "[0:1]={1,NULL}", "[1,null]"},
		{"int[][]", "{{1,2},{3,4}}", "[[1,2],[3,4]]"},
		{"boolean[]", "{t,f}", "[true,false]"},
		{"timestamptz(0)[]", `{"2026-01-01 00:00:00+00"}`, `["2026-01-01T00:00:00Z"]`},
		{"bytea[]", `{"\\x0001ff"}`, `["AAH/"]`},
		{"numeric(10,2)[]", "{12.5}", "[12.50]"},
		{"double precision[]", "{1,1e10}", "[1.0,1.0E10]"},
		{"inet", "10.0.0.1/8", "10.0.0.1/8"},
		{"int4range", "[1,5]", "[1,6)"},
		{"char(5)", "ab", "ab   "},
		{"xml", "<a/>", "<a/>"},
	}
	m := router.Mapping{Topic: topicname.Template{{Literal: "t"}}, ID: "id", Value: "id"}
	ddl, values := []string{"id int PRIMARY KEY"}, []string{"1"}
	for i, c := range columns {
		name := "c" + string(rune('a'+i/26)) + string(rune('a'+i%26))
		m.Headers = append(m.Headers, router.HeaderColumn{Name: c.typ, Column: name})
		ddl = append(ddl, name+" "+c.typ)
		values = append(values, "'"+c.value+"'")
	}
	r, err := router.New(m)
	if err != nil {
		t.Fatal(err)
	}
	db := stack.Database(t)
	db.Exec(t, "CREATE TABLE outbox ("+strings.Join(ddl, ", ")+")")
	publish(t, db)
	db.Exec(t, "INSERT INTO outbox VALUES ("+strings.Join(values, ", ")+")")
	for _, setting := range []string{
		"datestyle = German", "timezone = 'Asia/Tokyo'", "bytea_output = escape", "extra_float_digits = 0", "intervalstyle = sql_standard",
	} {
		db.Exec(t, "ALTER DATABASE "+db.Name+" SET "+setting, "SET "+setting)
	}
	got := route(t, db, r)
	if len(got) != 1 {
		t.Fatalf("%d records", len(got))
	}
	for i, h := range got[0].Headers[1:] {
		if string(h.Value) != columns[i].want {
			t.Errorf("%s %s became %q, want %q", columns[i].typ, columns[i].value, h.Value, columns[i].want)
		}
	}
}

// A table that is changed while rows are on their way is read as it was at each row.
func TestRenamedColumnStops(t *testing.T) {
	m, reason := vectortest.Mapping(nil)
	if reason != "" {
		t.Fatal(reason)
	}
	r, err := router.New(m)
	if err != nil {
		t.Fatal(err)
	}
	db := stack.Database(t)
	db.Exec(t, "CREATE TABLE outbox (id int PRIMARY KEY, aggregatetype text, aggregateid text, payload jsonb)")
	publish(t, db)
	db.Exec(t,
		"INSERT INTO outbox VALUES (1, 'Order', '42', '{}')",
		"ALTER TABLE outbox ADD COLUMN more int DEFAULT 7",
		"INSERT INTO outbox VALUES (2, 'Order', '42', '{}')",
		"ALTER TABLE outbox DROP COLUMN aggregateid", "ALTER TABLE outbox ADD COLUMN aggregateid uuid",
		"INSERT INTO outbox VALUES (3, 'Order', '{}', 8, NULL)",
	)
	got := route(t, db, r)
	if len(got) != 3 || string(got[1].Key) != "42" || got[2].Key != nil || string(got[2].Value) != "{}" {
		t.Fatalf("%+v", got)
	}
	db.Exec(t, "ALTER TABLE outbox RENAME COLUMN payload TO body", "INSERT INTO outbox VALUES (4, 'Order', '{}', 9, NULL)")
	var data []byte
	err = db.Conn.QueryRow(t.Context(), `SELECT data FROM pg_logical_slot_get_binary_changes('`+db.Name+`',
		NULL::pg_lsn, NULL::int, 'proto_version', '1', 'publication_names', 'walpost') WHERE get_byte(data, 0) = ascii('R')`).Scan(&data)
	if err != nil {
		t.Fatal(err)
	}
	message, err := pgoutput.NewDecoder().Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	rel, ok := message.(*pgoutput.Relation)
	if !ok {
		t.Fatalf("%T", message)
	}
	_, err = r.Route(&pgoutput.Insert{Relation: rel, Row: make(pgoutput.Tuple, len(rel.Columns))}, time.Time{}, record.Position{})
	var schema *router.SchemaError
	if !errors.As(err, &schema) || schema.Column != "payload" || schema.Key != "outbox.value" {
		t.Errorf("%v, want a SchemaError of outbox.value", err)
	}
}
