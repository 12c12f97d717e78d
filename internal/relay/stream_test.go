package relay_test

import (
	"fmt"
	"testing"

	"github.com/walpost/walpost/internal/relay/relaytest"
)

// An outbox without writes in a busy database keeps no WAL back, without a
// heartbeat table.
func TestIdleOutboxFollowsABusyDatabase(t *testing.T) {
	t.Parallel()
	h := newHarness(t, relaytest.Options{})
	h.Exec(t, "CREATE TABLE busy (x text)")
	h.Start(t)
	h.Exec(t, relaytest.Insert("k", 1))
	h.Confirmed(t)
	for range 3 {
		h.Exec(t, "INSERT INTO busy SELECT repeat('x', 1000) FROM generate_series(1, 5000)")
		h.Confirmed(t)
	}
}

func TestHugeTransaction(t *testing.T) {
	t.Parallel()
	h := newHarness(t, relaytest.Options{Keys: keys{"delivery.in_flight": "4MiB"}})
	h.Start(t)
	h.Exec(t, `INSERT INTO outbox (aggregatetype, aggregateid, type, payload)
		SELECT 'order', 'k' || i % 100, 'Created', jsonb_build_object('n', i, 'pad', repeat('x', 200)) FROM generate_series(1, 100000) i`)
	most := int64(0)
	h.Until(t, "everything published", func() bool {
		_, bytes := h.InFlight()
		most = max(most, bytes)
		return h.Seen.Records.Load() == 100000
	})
	if most > 5<<20 {
		t.Errorf("%d bytes in flight with in_flight 4 MiB", most)
	}
	h.Confirmed(t)
	if r := h.Exact(t); r.Repeats != 0 {
		t.Errorf("%v", r)
	}
}

// Neither reading again after a lost connection nor a planned stop repeats anything.
func TestRow08_WalsenderTerminatedRepeatsNothing(t *testing.T) {
	t.Parallel()
	h := newHarness(t, relaytest.Options{})
	h.Start(t)
	for i := range 10 {
		h.Exec(t, fmt.Sprintf(`INSERT INTO outbox (aggregatetype, aggregateid, type, payload)
			SELECT 'order', 'k' || i %% 7, 'Created', jsonb_build_object('n', %d * 5000 + i) FROM generate_series(1, 5000) i`, i))
		before := h.Seen.Connects.Load()
		h.Exec(t, "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = '"+
			h.Config.Postgres.Slot+"' AND active")
		h.Until(t, "streaming again", func() bool { return h.Seen.Connects.Load() > before })
	}
	h.Until(t, "everything published", func() bool { return h.Seen.Records.Load() >= 50000 })
	h.Confirmed(t)
	h.Stop(t)
	if r := h.Exact(t); r.Repeats != 0 {
		t.Errorf("%v", r)
	}
}

func TestPlannedStopUnderLoadRepeatsNothing(t *testing.T) {
	t.Parallel()
	h := newHarness(t, relaytest.Options{})
	done := make(chan error, 1)
	writer, err := h.DB.Server.Connect(t.Context(), h.DB.Name)
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close(t.Context())
	h.Start(t)
	go func() {
		for i := range 400 {
			if _, err := writer.Exec(t.Context(), fmt.Sprintf(`INSERT INTO outbox (aggregatetype, aggregateid, type, payload)
				SELECT 'order', 'k' || i %% 7, 'Created', jsonb_build_object('n', %d * 100 + i)
			FROM generate_series(1, 100) i`, i)); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	published := int64(0)
	for range 5 {
		h.Until(t, "some published", func() bool { return h.Seen.Records.Load() > 1000 || published+h.Seen.Records.Load() == 40000 })
		h.Stop(t)
		published += h.Seen.Records.Load()
		h.Start(t)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	h.Until(t, "everything published", func() bool { return published+h.Seen.Records.Load() >= 40000 })
	h.Confirmed(t)
	if r := h.Exact(t); r.Repeats != 0 {
		t.Errorf("%v", r)
	}
}
