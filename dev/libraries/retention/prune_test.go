package retention_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/dev/libraries/outboxtest"
	"github.com/walpost/walpost/pkg/outbox"
	"github.com/walpost/walpost/pkg/outbox/retention"
)

// slot makes a slot that stands for the relay's: confirm moves it as a relay that
// has everything acknowledged does.
func (s *store) slot(t testing.TB) (at retention.Config, confirm func()) {
	t.Helper()
	s.Exec(t, "SELECT pg_create_logical_replication_slot('"+s.Name+"', 'pgoutput')")
	return retention.Config{Outbox: s.config, Slot: s.Name, Wait: -1}, func() {
		t.Helper()
		s.Exec(t, "SELECT pg_replication_slot_advance('"+s.Name+"', pg_current_wal_lsn())")
	}
}

// confirmedPrune prunes while the slot is confirmed again and again: other tests move
// the log on meanwhile, and so do Prune's own deletions.
func (s *store) confirmedPrune(t testing.TB, r retention.Config, confirm func(), want int64) {
	t.Helper()
	type result struct {
		deleted int64
		err     error
	}
	r.Wait = time.Minute
	done := make(chan result, 1)
	go func() {
		n, err := pruner(t, r).Prune(t.Context(), s.db)
		done <- result{n, err}
	}()
	devstacktest.Await(t, "Prune to end", func() bool {
		confirm()
		select {
		case got := <-done:
			if got.err != nil || got.deleted != want {
				t.Errorf("%d rows deleted, want %d: %v", got.deleted, want, got.err)
			}
			return true
		default:
			return false
		}
	})
}

func TestPruneWaitsForTheSlot(t *testing.T) {
	t.Parallel()
	s := newStore(t, outbox.Config{})
	r, confirm := s.slot(t)
	s.Write(t, outboxtest.Events(1, 3)...)
	if n, err := pruner(t, r).Prune(t.Context(), s.db); n != 0 || !errors.Is(err, retention.ErrNotConfirmed) {
		t.Errorf("%d rows deleted: %v", n, err)
	}
	s.Want(t, outboxtest.Numbers, "1", "2", "3")
	s.confirmedPrune(t, r, confirm, 3)
	s.Want(t, outboxtest.Numbers)
	s.Write(t, outboxtest.Event(4))
	s.confirmedPrune(t, r, confirm, 1)
	s.Want(t, outboxtest.Numbers)
}

func TestPruneInBatches(t *testing.T) {
	t.Parallel()
	s := newStore(t, outbox.Config{})
	r, confirm := s.slot(t)
	s.Write(t, outboxtest.Events(1, 25)...)
	r.Batch = 10
	s.Exec(t, `CREATE TABLE statements (rows int)`,
		`CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO statements SELECT count(*) FROM gone; RETURN `+
			`NULL; END'`,
		`CREATE TRIGGER note AFTER DELETE ON outbox REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION note()`)
	s.confirmedPrune(t, r, confirm, 25)
	s.Want(t, "SELECT rows::text FROM statements ORDER BY ctid", "10", "10", "5")
}

// A transaction that stays open holds nothing up, and what it writes stays, though
// the slot is past the place where it was written.
func TestPruneLeavesWhatIsOpen(t *testing.T) {
	t.Parallel()
	s := newStore(t, outbox.Config{})
	r, confirm := s.slot(t)
	s.Write(t, outboxtest.Event(1))
	other := s.Connect(t)
	open, err := other.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.MustWrite(t, open, 2)
	s.Write(t, outboxtest.Event(3))
	s.confirmedPrune(t, r, confirm, 2)
	if err := open.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, err := pruner(t, r).Prune(t.Context(), s.db); n != 0 || !errors.Is(err, retention.ErrNotConfirmed) {
		t.Errorf("%d rows deleted: %v", n, err)
	}
	s.Want(t, outboxtest.Numbers, "2")
	s.confirmedPrune(t, r, confirm, 1)
	s.Want(t, outboxtest.Numbers)
}

// What comes between the look and the deletion stays, even in the place of a row
// that another has deleted.
func TestPruneLeavesWhatFollows(t *testing.T) {
	t.Parallel()
	s := newStore(t, outbox.Config{})
	r, confirm := s.slot(t)
	s.Write(t, outboxtest.Event(1))
	r.Wait = time.Minute
	done := make(chan error, 1)
	go func() {
		_, err := pruner(t, r).Prune(t.Context(), s.db)
		done <- err
	}()
	devstacktest.Await(t, "Prune to look at the slot", func() bool {
		return len(s.Text(t, "SELECT query FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle' AND query LIKE "+
			"'%confirmed_flush_lsn%' AND pid <> pg_backend_pid()")) > 0
	})
	s.Exec(t, "DELETE FROM outbox")
	devstacktest.Await(t, "the row's place to be free", func() bool { // VACUUM leaves it while any snapshot is older
		s.Exec(t, "VACUUM outbox")
		return slices.Equal(s.Text(t, "SELECT pg_relation_size('outbox')::text"), []string{"0"})
	})
	s.Write(t, outboxtest.Event(2))
	s.Want(t, "SELECT ctid::text FROM outbox", "(0,1)")
	confirm()
	if err := <-done; err != nil {
		t.Error(err)
	}
	s.Want(t, outboxtest.Numbers, "2")
}

// Writers and a relay at work: at every moment, a row that is gone is one whose
// commit the slot has confirmed. Each writer notes the position after its commit;
// whoever finds its row gone must find the slot there.
func TestPruneWithConcurrentWriters(t *testing.T) {
	t.Parallel()
	s := newStore(t, outbox.Config{})
	r, confirm := s.slot(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var writers sync.WaitGroup
	for w := range 3 {
		conn := s.Connect(t)
		writers.Go(func() {
			for n := range 150 {
				if err := writeAndLook(ctx, s, conn, w*1000+n); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	done := make(chan struct{})
	go func() {
		writers.Wait()
		close(done)
	}()
	var deleted int64
	r.Batch, r.Wait = 7, 5*time.Millisecond
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		if deleted%2 == 0 { // the slot lags every other time
			confirm()
		}
		n, err := pruner(t, r).Prune(t.Context(), s.db)
		if err != nil && !errors.Is(err, retention.ErrNotConfirmed) {
			t.Fatal(err)
		}
		deleted += n
	}
	s.confirmedPrune(t, r, confirm, 3*150-deleted)
	t.Logf("%d rows went while writers were at work", deleted)
}

// writeAndLook commits an event, and if its row is gone then, checks that the slot
// had confirmed it.
func writeAndLook(ctx context.Context, s *store, conn *pgx.Conn, n int) error {
	var before string
	err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if err := s.Events.Write(ctx, outbox.TxFromPgx(tx), outboxtest.Event(n)); err != nil {
			return err
		}
		return tx.QueryRow(ctx, "SELECT pg_current_wal_insert_lsn()::text").Scan(&before) // at or below the commit record
	})
	if err != nil {
		return err
	}
	var gone, confirmed bool
	err = conn.QueryRow(ctx, `SELECT NOT EXISTS (SELECT 1 FROM outbox WHERE payload->>'n' = $1),
		(SELECT confirmed_flush_lsn > $2::text::pg_lsn FROM pg_replication_slots WHERE slot_name = $3)`,
		fmt.Sprint(n), before, s.Name).Scan(&gone, &confirmed)
	if err == nil && gone && !confirmed {
		err = fmt.Errorf("event %d is gone, and the slot is not past %s", n, before)
	}
	return err
}

func TestPruneKeepsYoungRows(t *testing.T) {
	t.Parallel()
	s := newStore(t, outbox.Config{Columns: outbox.Columns{CreatedAt: "at"}})
	r, confirm := s.slot(t)
	s.Write(t, outboxtest.Events(1, 2)...)
	s.Exec(t, "UPDATE outbox SET at = now() - interval '2 hours' WHERE payload->>'n' = '1'")
	r.Keep = time.Hour
	s.confirmedPrune(t, r, confirm, 1)
	s.Want(t, outboxtest.Numbers, "2")
}

func TestPruneWithoutTheSlot(t *testing.T) {
	t.Parallel()
	s := newStore(t, outbox.Config{})
	s.Write(t, outboxtest.Event(1))
	other := newStore(t, outbox.Config{})
	r, _ := other.slot(t) // a slot of another database says nothing of this one
	r.Wait = time.Minute
	for _, r.Slot = range []string{"nobody", r.Slot} {
		if n, err := pruner(t, r).Prune(t.Context(), s.db); n != 0 || !errors.Is(err, retention.ErrNoSlot) {
			t.Errorf("slot %q: %d rows deleted: %v", r.Slot, n, err)
		}
	}
	s.Want(t, outboxtest.Numbers, "1")
}

func TestPruneEndsWithItsContext(t *testing.T) {
	t.Parallel()
	s := newStore(t, outbox.Config{})
	r, _ := s.slot(t)
	s.Write(t, outboxtest.Event(1))
	r.Wait = time.Hour
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := pruner(t, r).Prune(ctx, s.db); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	s.Want(t, outboxtest.Numbers, "1")
}

// Rows of a table that inherits are not the outbox's: the slot says nothing of them.
func TestPruneLeavesTablesThatInherit(t *testing.T) {
	t.Parallel()
	s := newStore(t, outbox.Config{})
	r, confirm := s.slot(t)
	s.Exec(t, "CREATE TABLE outbox_2026 () INHERITS (outbox)",
		"INSERT INTO outbox_2026 (id, aggregatetype, aggregateid, type, payload) VALUES (gen_random_uuid(), 'order', 'k', 'Created', '7')")
	s.Write(t, outboxtest.Event(1))
	s.confirmedPrune(t, r, confirm, 1)
	if left := s.Text(t, "SELECT payload::text FROM outbox"); len(left) != 1 || left[0] != "7" {
		t.Errorf("%v is left", left)
	}
}
