package relay_test

import (
	"testing"

	"github.com/walpost/walpost/internal/relay/relaytest"
)

// An UPDATE of the partition key is a DELETE and an INSERT in the log, as is moving rows
// between partitions: both publish again, with the same id. The way of docs/outbox.md,
// through a table that is attached behind the rows, does not.
func TestRow85_RowsMovedBetweenPartitions(t *testing.T) {
	t.Parallel()
	h := newHarness(t, relaytest.Options{DDL: `CREATE TABLE outbox (
		id uuid NOT NULL DEFAULT gen_random_uuid(), aggregatetype text NOT NULL, aggregateid text, type text, payload jsonb,
			created_at timestamptz NOT NULL DEFAULT now()) PARTITION BY RANGE (created_at);
		CREATE TABLE outbox_rest PARTITION OF outbox DEFAULT`})
	h.Start(t)
	published := func(n int, what string) {
		t.Helper()
		h.Confirmed(t)
		if got := h.Seen.Records.Load(); got != int64(n) {
			t.Errorf("%s: %d records in all, want %d", what, got, n)
		}
	}
	h.Exec(t, "CREATE TABLE outbox_2029 PARTITION OF outbox FOR VALUES FROM ('2029-01-01') TO ('2030-01-01')",
		`INSERT INTO outbox (aggregatetype, aggregateid, type, payload, created_at) SELECT 'order', 'k', 'Created', to_jsonb(i), `+
			`'2030-05-05' FROM generate_series(1, 3) i`)
	published(3, "inserted")
	h.Exec(t, "UPDATE outbox SET created_at = '2029-05-05' WHERE payload = '1'")
	published(4, "the partition key of one updated")
	h.Exec(t, `WITH moved AS (DELETE FROM outbox_rest WHERE payload = '2' RETURNING *)
		INSERT INTO outbox_2029 SELECT id, aggregatetype, aggregateid, type, payload, '2029-06-06' FROM moved`)
	published(5, "one moved")
	h.Exec(t, "CREATE TABLE outbox_2030 (LIKE outbox INCLUDING ALL)",
		`BEGIN; WITH moved AS (DELETE FROM outbox_rest WHERE created_at >= '2030-01-01' AND created_at < '2031-01-01' RETURNING *)
			INSERT INTO outbox_2030 SELECT * FROM moved;
		ALTER TABLE outbox ATTACH PARTITION outbox_2030 FOR VALUES FROM ('2030-01-01') TO ('2031-01-01'); COMMIT`)
	h.Exec(t, relaytest.Insert("k", 9))
	published(6, "one moved as docs/outbox.md says, and a new one")
	ids := map[string]int{}
	for _, r := range h.consume(t, h.Topic, 6) {
		ids[header(r, "id")]++
	}
	if len(ids) != 4 {
		t.Errorf("%d ids, want 4: what is published again keeps its id", len(ids))
	}
}
