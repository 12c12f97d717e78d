package faults_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/status"
)

// A transaction of 20,000 rows in 200 subtransactions of which half are undone, and
// COPY, with the connection cut in the middle: rows before the cut are not repeated,
// and what is in flight stays within delivery.in_flight.
func TestRow53_LargeTransaction(t *testing.T) {
	t.Parallel()
	h, proxy := proxied(t, nil)
	largeTransaction(t, h, proxy, 100)
}

// largeTransaction writes so many kept savepoints of 100 rows each, and as many that
// are rolled back, then as many rows by COPY.
func largeTransaction(t *testing.T, h *harness, proxy *devstack.Proxy, savepoints int) {
	t.Helper()
	const limit = 1 << 20
	h.Config.Delivery.InFlight = limit
	h.Start(t)
	h.sample(t)
	tx, err := h.DB.Conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range savepoints {
		for _, sql := range []string{
			"SAVEPOINT s", inserts(100*i+1, 100*i+100), "RELEASE s",
			"SAVEPOINT s", inserts(100*i+1, 100*i+100), "ROLLBACK TO s", "RELEASE s",
		} {
			if _, err := tx.Exec(t.Context(), sql); err != nil {
				t.Fatal(err)
			}
		}
	}
	rows := savepoints * 100
	copied := pgx.CopyFromSlice(rows, func(i int) ([]any, error) {
		return []any{"order", fmt.Sprint("copied", i%7), "Created", fmt.Sprintf(`{"n": %d}`, i)}, nil
	})
	if _, err := tx.CopyFrom(t.Context(), pgx.Identifier{"outbox"}, []string{"aggregatetype", "aggregateid", "type", "payload"},
		copied); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	peak := int64(0)
	proxy.Throttle(2 << 20) // or it would have passed before the first cut
	for cuts, share := range []int{8, 4, 2} {
		// A cut while it connects again would be none.
		h.Until(t, "a connection, and part of the transaction to pass", func() bool {
			_, bytes := h.InFlight()
			peak = max(peak, bytes)
			return int(h.Seen.Connects.Load()) > cuts && h.Seen.Records.Load() >= int64(rows/share)
		})
		proxy.Cut()
	}
	proxy.Throttle(0)
	h.Confirmed(t)
	if peak > limit+256<<10 { // what one read of the connection holds may come on top
		t.Errorf("%d bytes were in flight, and delivery.in_flight is %d", peak, limit)
	}
	if n := h.Seen.Connects.Load(); n < 4 {
		t.Errorf("%d connections: the transaction was not cut", n)
	}
	h.exactlyOnce(t)
	h.Stop(t)
}

// One row far larger than delivery.in_flight passes alone, and its memory is given
// back.
func TestRow68_HugeRow(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	const size = 30 << 20
	if err := h.Kafka.DeleteTopic(t.Context(), h.Topic); err != nil {
		t.Fatal(err)
	}
	h.Topic += "2"
	if err := h.Kafka.CreateTopic(t.Context(), h.Topic, relaytest.Partitions, 1,
		map[string]string{"max.message.bytes": fmt.Sprint(2 * size)}); err != nil {
		t.Fatal(err)
	}
	h.Config.Kafka.MaxMessageBytes = 2 * size
	h.Config.Kafka.Compression = "lz4" // the broker's own limit on a request is 100 MB
	h.Config.Delivery.InFlight = 1 << 20
	h.Start(t)
	insertHuge := fmt.Sprintf(`INSERT INTO outbox (aggregatetype, aggregateid, type, payload) VALUES ('order2', 'k', 't', `+
		`jsonb_build_object('n', 2, 'pad', repeat('x', %d)))`, size)
	one, three := strings.Replace(relaytest.Insert("k", 1), "order", "order2", 1),
		strings.Replace(relaytest.Insert("k", 3), "order", "order2", 1)
	h.Exec(t, one, insertHuge, three)
	h.Confirmed(t)
	h.exactlyOnce(t)
	events, bytes := h.InFlight()
	if events != 0 || bytes != 0 {
		t.Errorf("%d events, %d bytes are still in flight", events, bytes)
	}
	h.Stop(t)
}

// A transaction that stays open keeps WAL back from its own beginning on; what
// others commit passes meanwhile, and when it ends nothing is kept back any more.
func TestRow54_LongOpenTransaction(t *testing.T) {
	t.Parallel()
	h := newHarnessOn(t, ownServer(t, 0, nil), nil)
	h.Exec(t, "CREATE TABLE busy (x text)")
	h.Start(t)
	h.sample(t)
	other, err := h.DB.Server.Connect(t.Context(), h.DB.Name)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close(t.Context())
	tx, err := other.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), relaytest.Insert("late", 1)); err != nil {
		t.Fatal(err)
	}
	h.Exec(t, inserts(1, 100), "INSERT INTO busy SELECT repeat('x', 1000) FROM generate_series(1, 20000)", relaytest.Insert("k7", 101))
	h.Confirmed(t)
	const retained = "SELECT (pg_current_wal_lsn() - restart_lsn)::bigint FROM pg_replication_slots"
	if n := devstacktest.Value[int64](t, h.DB.Conn, retained); n < 15<<20 {
		t.Errorf("%d bytes of WAL are retained, less than the open transaction needs", n)
	}
	if _, err := tx.Exec(t.Context(), relaytest.Insert("late", 2)); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.Confirmed(t)
	h.Until(t, "the WAL to be given back", func() bool {
		h.Exec(t, "CHECKPOINT", "INSERT INTO busy VALUES ('x')") // a running-xacts record moves restart_lsn
		return devstacktest.Value[int64](t, h.DB.Conn, retained) < 1<<20
	})
	h.exactlyOnce(t)
	h.Stop(t)
}

// A prepared transaction that was forgotten holds up the making of the slot: the
// start waits and says which it is, and goes on when it is gone.
func TestRow55_PreparedTransactionForgotten(t *testing.T) {
	t.Parallel()
	h := newHarnessOn(t, ownServer(t, 0, map[string]string{"max_prepared_transactions": "5"}), nil)
	h.Exec(t, "BEGIN", relaytest.Insert("k", 1), "PREPARE TRANSACTION 'forgotten-one'")
	h.Launch(t)
	h.Until(t, "the relay to name it", func() bool {
		return strings.Contains(h.Status().Reason, "'forgotten-one'") && strings.Contains(h.Status().Hint, "ROLLBACK PREPARED")
	})
	h.Exec(t, "COMMIT PREPARED 'forgotten-one'")
	h.State(t, status.Streaming)
	h.Exec(t, "DELETE FROM outbox", relaytest.Insert("k", 2)) // the first was committed before the slot
	h.Confirmed(t)
	h.exactlyOnce(t)
	h.Stop(t)
}
