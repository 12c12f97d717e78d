package relay_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/walpost/walpost/internal/relay/relaytest"
)

func TestRelaysAnEvent(t *testing.T) {
	t.Parallel()
	h := newHarness(t, relaytest.Options{})
	h.Start(t)
	h.Exec(t, `INSERT INTO outbox VALUES ('406c07f3-26f0-4eea-a50c-109940064b8f', 'order', '42', 'OrderCreated', '{"b": 1, "a": 2.50}')`)
	r := h.consume(t, h.Topic, 1)[0]
	if string(r.Key) != "42" || string(r.Value) != `{"a": 2.50, "b": 1}` {
		t.Errorf("key %q, value %q", r.Key, r.Value)
	}
	want := []kgo.RecordHeader{
		{Key: "id", Value: []byte("406c07f3-26f0-4eea-a50c-109940064b8f")}, {Key: "eventType", Value: []byte("OrderCreated")},
	}
	if fmt.Sprintf("%q", r.Headers) != fmt.Sprintf("%q", want) {
		t.Errorf("headers %q, want %q", r.Headers, want)
	}
	if age := time.Since(r.Timestamp); age < 0 || age > time.Minute {
		t.Errorf("timestamp %v is not the commit time", r.Timestamp)
	}
	h.Confirmed(t)
	h.Stop(t)
}

func TestNullAndEmpty(t *testing.T) {
	t.Parallel()
	h := newHarness(t, relaytest.Options{DDL: `CREATE TABLE outbox (id uuid, aggregatetype text, aggregateid text, type text, payload ` +
		`text DEFAULT 'the default')`})
	h.Start(t)
	h.Exec(t, `INSERT INTO outbox (id, aggregatetype, payload) VALUES (NULL, 'order', NULL)`)
	h.Exec(t, `INSERT INTO outbox VALUES (gen_random_uuid(), 'order', '', '', '')`)
	for _, r := range h.consume(t, h.Topic, 2) {
		if len(r.Headers) != 2 {
			t.Fatalf("headers %q", r.Headers)
		}
		null := r.Headers[0].Value == nil
		if (r.Key == nil) != null || (r.Value == nil) != null || (r.Headers[1].Value == nil) != null {
			t.Errorf("null %v: key %#v, value %#v, type %#v", null, r.Key, r.Value, r.Headers[1].Value)
		}
		if len(r.Key)+len(r.Value)+len(r.Headers[1].Value) != 0 {
			t.Errorf("key %q, value %q, type %q: want none", r.Key, r.Value, r.Headers[1].Value)
		}
	}
}

// What a transaction leaves behind is what counts: savepoints rolled back are
// not published, an insert that is deleted again is, an update does not show.
func TestInsideTransactions(t *testing.T) {
	t.Parallel()
	h := newHarness(t, relaytest.Options{})
	h.Start(t)
	h.Exec(t,
		"BEGIN", relaytest.Insert("k", 1), "SAVEPOINT a", relaytest.Insert("k", 2), "ROLLBACK TO a", relaytest.Insert("k", 3),
		"SAVEPOINT b", relaytest.Insert("k", 4), "RELEASE b", "COMMIT",
		"BEGIN", relaytest.Insert("k", 5), "ROLLBACK",
		"BEGIN", relaytest.Insert("k", 6), "DELETE FROM outbox WHERE payload->>'n' = '6'", "COMMIT",
		"BEGIN", relaytest.Insert("k", 7), `UPDATE outbox SET payload = '{"n": 70}' WHERE payload->>'n' = '7'`, "COMMIT",
		"DELETE FROM outbox", "TRUNCATE outbox", relaytest.Insert("k", 8),
	)
	var got []string
	for _, r := range h.consume(t, h.Topic, 6) {
		got = append(got, string(r.Value))
	}
	if want := `[{"n": 1} {"n": 3} {"n": 4} {"n": 6} {"n": 7} {"n": 8}]`; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

// Rows of transactions that overlap come in the order of their commits.
func TestInterleavedTransactions(t *testing.T) {
	t.Parallel()
	h := newHarness(t, relaytest.Options{})
	h.Start(t)
	other, err := h.DB.Server.Connect(t.Context(), h.DB.Name)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close(t.Context())
	h.Exec(t, "BEGIN", relaytest.Insert("k", 3))
	for _, sql := range []string{"BEGIN", relaytest.Insert("k", 1), relaytest.Insert("k", 2)} {
		if _, err := other.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	h.Exec(t, relaytest.Insert("k", 4))
	if _, err := other.Exec(t.Context(), "COMMIT"); err != nil {
		t.Fatal(err)
	}
	h.Exec(t, relaytest.Insert("k", 5), "COMMIT")
	h.consume(t, h.Topic, 5)
	if r := h.Exact(t); r.Repeats != 0 {
		t.Errorf("%v", r)
	}
}

// A role's settings change the text of its sessions, and must not change records.
func TestForeignRoleSettings(t *testing.T) {
	t.Parallel()
	h := newHarness(t, relaytest.Options{DDL: `CREATE TABLE outbox (id uuid, aggregatetype text, aggregateid text, type timestamptz, ` +
		`payload bytea)`})
	for _, set := range []string{
		"DateStyle = 'German'", "TimeZone = 'Asia/Tokyo'", "bytea_output = 'escape'", "extra_float_digits = 0",
		"IntervalStyle = 'sql_standard'",
	} {
		h.Exec(t, "ALTER DATABASE "+h.DB.Name+" SET "+set)
	}
	h.Start(t)
	h.Exec(t, `INSERT INTO outbox VALUES (gen_random_uuid(), 'order', 'k', '2026-01-01 09:00:00.12+09', '\x00ff')`)
	r := h.consume(t, h.Topic, 1)[0]
	if string(r.Value) != "\x00\xff" || string(r.Headers[1].Value) != "2026-01-01T00:00:00.120000Z" {
		t.Errorf("value %q, header %q", r.Value, r.Headers[1].Value)
	}
}

func TestPartitionedTable(t *testing.T) {
	t.Parallel()
	h := newHarness(t, relaytest.Options{DDL: `CREATE TABLE outbox (
		id uuid DEFAULT gen_random_uuid(), aggregatetype text, aggregateid text, type text, payload jsonb,
		at timestamptz DEFAULT now()) PARTITION BY RANGE (at)`})
	h.Exec(t, "CREATE TABLE outbox_a PARTITION OF outbox FOR VALUES FROM ('2000-01-01') TO ('2020-01-01')",
		"CREATE TABLE outbox_b (at timestamptz DEFAULT now(), payload jsonb, type text, aggregateid text, aggregatetype text, id uuid)",
		"ALTER TABLE outbox ATTACH PARTITION outbox_b DEFAULT")
	h.Start(t)
	h.Exec(t, relaytest.Insert("k", 1),
		`INSERT INTO outbox (aggregatetype, aggregateid, payload, at) VALUES ('order', 'k', '{"n": 2}', '2010-01-01')`,
		`CREATE TABLE outbox_c PARTITION OF outbox FOR VALUES FROM ('2021-01-01') TO ('2022-01-01')`,
		`INSERT INTO outbox (aggregatetype, aggregateid, payload, at) VALUES ('order', 'k', '{"n": 3}', '2021-06-01')`)
	var got []string
	for _, r := range h.consume(t, h.Topic, 3) {
		got = append(got, string(r.Value))
	}
	if want := `[{"n": 1} {"n": 2} {"n": 3}]`; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestQuotedNames(t *testing.T) {
	t.Parallel()
	h := newHarness(t, relaytest.Options{DDL: `CREATE SCHEMA "My ""Schema"`, Keys: keys{
		"outbox.table": `"My ""Schema"."Out.Box"`, "outbox.topic": "{Topic Name}", "outbox.id": "the ID", "outbox.key": "Key",
		"outbox.value": "it's", "outbox.headers": map[string]string{"h": "Order"},
	}})
	h.Config.Postgres.Publication = `we'ird "pub"`
	h.Exec(t, `CREATE TABLE "My ""Schema"."Out.Box" ("the ID" int, "Topic Name" text, "Key" int8, "it's" text, "Order" bool)`)
	h.Start(t)
	h.Exec(t, fmt.Sprintf(`INSERT INTO "My ""Schema"."Out.Box" VALUES (7, '%s', 42, 'v', true)`, h.Topic))
	r := h.consume(t, h.Topic, 1)[0]
	if fmt.Sprintf("%s %s %q", r.Key, r.Value, r.Headers) != `42 v [{"id" "7"} {"h" "true"}]` {
		t.Errorf("key %q, value %q, headers %q", r.Key, r.Value, r.Headers)
	}
}

func TestPositionHeaderRises(t *testing.T) {
	t.Parallel()
	h := newHarness(t, relaytest.Options{Keys: keys{"outbox.position_header": "walpost-position"}})
	h.Start(t)
	h.Exec(t, "BEGIN", relaytest.Insert("k", 1), relaytest.Insert("k", 2), "COMMIT", relaytest.Insert("k", 3),
		"INSERT INTO outbox (aggregatetype, aggregateid, payload) SELECT 'order', 'k', jsonb_build_object('n', i) FROM "+
			"generate_series(4, 50) i")
	last := ""
	for _, r := range h.consume(t, h.Topic, 50) {
		h := r.Headers[len(r.Headers)-1]
		if h.Key != "walpost-position" || len(h.Value) != 25 || string(h.Value) <= last {
			t.Fatalf("header %s %q after %q", h.Key, h.Value, last)
		}
		last = string(h.Value)
	}
}
