package relay_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/status"
)

// An outbox without writes in a busy database keeps no WAL back, without a
// heartbeat table.
func TestIdleOutboxFollowsABusyDatabase(t *testing.T) {
	t.Parallel()
	b := newBench(t, relaytest.OutboxDDL)
	b.db.Exec(t, "CREATE TABLE busy (x text)")
	b.start(t)
	b.db.Exec(t, relaytest.Insert("k", 1))
	b.confirmed(t)
	for range 3 {
		b.db.Exec(t, "INSERT INTO busy SELECT repeat('x', 1000) FROM generate_series(1, 5000)")
		b.confirmed(t)
	}
}

func TestHugeTransaction(t *testing.T) {
	t.Parallel()
	b := newBench(t, relaytest.OutboxDDL, "delivery: {in_flight: 4MiB}")
	b.start(t)
	b.db.Exec(t, `INSERT INTO outbox (aggregatetype, aggregateid, type, payload)
		SELECT 'order', 'k' || i % 100, 'Created', jsonb_build_object('n', i, 'pad', repeat('x', 200)) FROM generate_series(1, 100000) i`)
	most := int64(0)
	b.until(t, "everything published", func() bool {
		_, bytes := b.relay.InFlight()
		most = max(most, bytes)
		return b.seen.published.Load() == 100000
	})
	if most > 5<<20 {
		t.Errorf("%d bytes in flight with in_flight 4 MiB", most)
	}
	b.confirmed(t)
	if r := b.exact(t); r.Repeats != 0 {
		t.Errorf("%v", r)
	}
}

// Neither reading again after a lost connection nor a planned stop repeats anything.
func TestRow08_WalsenderTerminatedRepeatsNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t, relaytest.OutboxDDL)
	b.start(t)
	for i := range 10 {
		b.db.Exec(t, fmt.Sprintf(`INSERT INTO outbox (aggregatetype, aggregateid, type, payload)
			SELECT 'order', 'k' || i %% 7, 'Created', jsonb_build_object('n', %d * 5000 + i) FROM generate_series(1, 5000) i`, i))
		before := b.seen.connects.Load()
		b.db.Exec(t, "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = '"+b.cfg.Postgres.Slot+"' AND active")
		b.until(t, "streaming again", func() bool { return b.seen.connects.Load() > before })
	}
	b.until(t, "everything published", func() bool { return b.seen.published.Load() >= 50000 })
	b.confirmed(t)
	if err := b.end(t); err != nil {
		t.Fatal(err)
	}
	if r := b.exact(t); r.Repeats != 0 {
		t.Errorf("%v", r)
	}
}

func TestPlannedStopUnderLoadRepeatsNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t, relaytest.OutboxDDL)
	done := make(chan error, 1)
	writer, err := b.db.Server.Connect(t.Context(), b.db.Name)
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close(t.Context())
	b.start(t)
	go func() {
		for i := range 400 {
			if _, err := writer.Exec(t.Context(), fmt.Sprintf(`INSERT INTO outbox (aggregatetype, aggregateid, type, payload)
				SELECT 'order', 'k' || i %% 7, 'Created', jsonb_build_object('n', %d * 100 + i) FROM generate_series(1, 100) i`, i)); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	published := int64(0)
	for range 5 {
		b.until(t, "some published", func() bool { return b.seen.published.Load() > 1000 || published+b.seen.published.Load() == 40000 })
		if err := b.end(t); err != nil {
			t.Fatal(err)
		}
		published += b.seen.published.Load()
		b.start(t)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	b.until(t, "everything published", func() bool { return published+b.seen.published.Load() >= 40000 })
	b.confirmed(t)
	if r := b.exact(t); r.Repeats != 0 {
		t.Errorf("%v", r)
	}
}

// Under `stop` the relay halts at the record, with everything before it in Kafka
// and confirmed, and nothing after it.
func TestRejectedRecordHalts(t *testing.T) {
	t.Parallel()
	b := newBench(t, relaytest.OutboxDDL)
	b.start(t)
	b.db.Exec(t, relaytest.Insert("k", 1), relaytest.Insert("k", 2))
	b.db.Exec(t, "BEGIN", relaytest.Insert("k", 3), `INSERT INTO outbox (aggregatetype, aggregateid, payload) VALUES ('no/topic', 'k', '{"n": 4}')`, "COMMIT", relaytest.Insert("k", 5))
	err := b.wait(t)
	halt, ok := errors.AsType[*status.Halt](err)
	if !ok || halt.Code != status.ExitHalted {
		t.Fatalf("ended with %v", err)
	}
	if got := b.consume(t, b.topic, 3); len(got) != 3 {
		t.Errorf("%d records, want the 3 before it", len(got))
	}
	b.released(t)
	var waiting int
	if err := b.db.Conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_logical_slot_peek_binary_changes($1, NULL::pg_lsn, NULL::int, 'proto_version', '1', 'publication_names', $2) WHERE get_byte(data, 0) = ascii('I')",
		b.cfg.Postgres.Slot, b.cfg.Postgres.Publication).Scan(&waiting); err != nil {
		t.Fatal(err)
	}
	if waiting != 3 {
		t.Errorf("%d rows wait in the slot, want the rejected one's transaction and the one after it: 3", waiting)
	}
}

func TestRejectedRecordGoesWhereThePolicySays(t *testing.T) {
	t.Parallel()
	for _, policy := range []string{"skip", "dead_letter"} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, relaytest.OutboxDDL, "delivery: {on_reject: "+policy+", dead_letter: PREFIX.dead}")
			dead := b.cfg.Delivery.DeadLetter.String()
			if err := b.kafka.CreateTopic(t.Context(), dead, 1, 1, nil); err != nil {
				t.Fatal(err)
			}
			b.start(t)
			b.db.Exec(t, "BEGIN", relaytest.Insert("k", 1), `INSERT INTO outbox (aggregatetype, aggregateid, type, payload) VALUES ('no/topic', 'k', 'T', '{"n": 2}')`, relaytest.Insert("k", 3), "COMMIT")
			b.consume(t, b.topic, 2)
			b.confirmed(t)
			if b.seen.rejected.Load() != 1 {
				t.Errorf("%d rejected", b.seen.rejected.Load())
			}
			if policy == "skip" {
				return
			}
			r := b.consume(t, dead, 1)[0]
			if string(r.Value) != `{"n": 2}` || string(r.Headers[1].Value) != "T" || r.Headers[2].Key != "walpost-dlt-topic" {
				t.Errorf("dead letter %q %q", r.Value, r.Headers)
			}
			if n := b.seen.dead.Load(); n != 1 {
				t.Errorf("%d dead letters counted", n)
			}
		})
	}
}
