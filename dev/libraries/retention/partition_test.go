package retention_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/dev/libraries/outboxtest"
	"github.com/walpost/walpost/pkg/outbox"
	"github.com/walpost/walpost/pkg/outbox/retention"
)

// partitions of the table, in order.
const partitions = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'outbox'::regclass ORDER BY 1"

func partitioned(t *testing.T) *store {
	t.Helper()
	return newStore(t, outbox.Config{Partitioned: true})
}

// at writes an event as of a day.
func (s *store) at(t *testing.T, day time.Time, n int) {
	t.Helper()
	s.Exec(t, fmt.Sprintf("INSERT INTO outbox VALUES (gen_random_uuid(), 'order', '42', 'Created', '{\"n\": %d}', '%s')", n,
		day.Format(time.RFC3339)))
}

// drop retries until the slot is confirmed.
func (s *store) drop(t *testing.T, r retention.Config, confirm func(), want ...string) {
	t.Helper()
	devstacktest.Await(t, "the slot to be confirmed", func() bool {
		confirm()
		dropped, err := pruner(t, r).DropPartitions(t.Context(), s.db)
		if errors.Is(err, retention.ErrNotConfirmed) {
			return false
		}
		if err != nil || fmt.Sprint(dropped) != fmt.Sprint(want) {
			t.Fatalf("dropped %v, want %v: %v", dropped, want, err)
		}
		return true
	})
}

func TestPartitionsByDay(t *testing.T) {
	t.Parallel()
	s := partitioned(t)
	s.Exec(t, "ALTER DATABASE "+s.Name+" SET TimeZone = 'Asia/Tokyo'", "ALTER DATABASE "+s.Name+" SET DateStyle = 'German'")
	s.SQL.SetMaxIdleConns(0)
	from := time.Date(2026, 2, 27, 23, 59, 0, 0, time.FixedZone("", -3600)) // the 28th in UTC
	for range 2 {
		if err := s.partitions(t).CreatePartitions(t.Context(), s.db, from, 2); err != nil {
			t.Fatal(err)
		}
	}
	s.Want(t, partitions, "outbox_default", "outbox_p20260228", "outbox_p20260301")
	s.at(t, time.Date(2026, 2, 28, 0, 0, 0, 0, time.UTC), 1)
	s.at(t, time.Date(2026, 3, 1, 23, 59, 59, 0, time.UTC), 2)
	s.Write(t, outboxtest.Event(3)) // there is no partition of today
	s.Want(t, "SELECT tableoid::regclass || ' ' || (payload->>'n') FROM outbox ORDER BY payload->>'n'", "outbox_p20260228 1",
		"outbox_p20260301 2", "outbox_default 3")

	today := time.Now()
	if err := s.partitions(t).CreatePartitions(t.Context(), s.db, today, 1); err == nil ||
		!strings.Contains(err.Error(), "outbox_default") {
		t.Errorf("a partition for rows that the default one has: %v", err)
	}
	s.Want(t, partitions, "outbox_default", "outbox_p20260228", "outbox_p20260301")
}

func TestDropPartitionsThatAreConfirmed(t *testing.T) {
	t.Parallel()
	s := partitioned(t)
	r, confirm := s.slot(t)
	old := time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -10)
	if err := s.partitions(t).CreatePartitions(t.Context(), s.db, old, 12); err != nil {
		t.Fatal(err)
	}
	s.at(t, old, 1)
	s.at(t, old.AddDate(0, 0, 1), 2)
	s.Write(t, outboxtest.Event(3))
	r.Keep = 8 * 24 * time.Hour
	if dropped, err := pruner(t, r).DropPartitions(t.Context(), s.db); len(dropped) != 0 || !errors.Is(err, retention.ErrNotConfirmed) {
		t.Errorf("dropped %v: %v", dropped, err)
	}
	s.Want(t, "SELECT payload->>'n' FROM outbox ORDER BY 1", "1", "2", "3")
	name := func(day time.Time) string { return "public." + day.Format("outbox_p20060102") }
	s.drop(t, r, confirm, name(old), name(old.AddDate(0, 0, 1)))
	s.Want(t, "SELECT payload->>'n' FROM outbox ORDER BY 1", "3")
	s.drop(t, r, confirm)
	r.Slot = "nobody"
	r.Keep = 0
	if dropped, err := pruner(t, r).DropPartitions(t.Context(), s.db); len(dropped) != 0 || !errors.Is(err, retention.ErrNoSlot) {
		t.Errorf("dropped %v: %v", dropped, err)
	}
}

// A transaction that began on that day may still be writing into its partition.
func TestDropPartitionsWaitsForWriters(t *testing.T) {
	t.Parallel()
	s := partitioned(t)
	r, confirm := s.slot(t)
	old := time.Now().UTC().AddDate(0, 0, -3)
	if err := s.partitions(t).CreatePartitions(t.Context(), s.db, old, 1); err != nil {
		t.Fatal(err)
	}
	s.Exec(t, "BEGIN")
	s.at(t, old, 1)
	confirmer := s.Connect(t)
	devstacktest.Await(t, "the slot to be confirmed", func() bool {
		_, err := confirmer.Exec(t.Context(), "SELECT pg_replication_slot_advance($1, pg_current_wal_lsn())", s.Name)
		return err == nil
	})
	r.Wait = 300 * time.Millisecond
	dropped, err := pruner(t, r).DropPartitions(t.Context(), s.db)
	if len(dropped) != 0 || err == nil || !strings.Contains(err.Error(), "55P03") { // lock_not_available
		t.Errorf("dropped %v: %v", dropped, err)
	}
	s.Exec(t, "COMMIT")
	s.Want(t, "SELECT payload->>'n' FROM outbox", "1")
	r.Wait = -1
	s.drop(t, r, confirm, "public."+old.Format("outbox_p20060102"))
}

func TestPruneThePartitionedTable(t *testing.T) {
	t.Parallel()
	s := partitioned(t)
	r, confirm := s.slot(t)
	old := time.Now().UTC().AddDate(0, 0, -3)
	if err := s.partitions(t).CreatePartitions(t.Context(), s.db, old, 1); err != nil {
		t.Fatal(err)
	}
	for n := range 5 { // the same ctids in both partitions
		s.at(t, old, n)
		s.at(t, old.AddDate(0, 0, -9), 10+n)
		s.Write(t, outboxtest.Event(20+n))
	}
	r.Keep, r.Batch = time.Hour, 2
	s.confirmedPrune(t, r, confirm, 10)
	s.Want(t, "SELECT payload->>'n' FROM outbox ORDER BY 1", "20", "21", "22", "23", "24")
}

// The longest name of a table that package outbox takes leaves room for a day.
func TestPartitionOfTheLongestName(t *testing.T) {
	t.Parallel()
	s := newStore(t, outbox.Config{Partitioned: true, Table: strings.Repeat("a", 53)})
	for range 2 {
		if err := s.partitions(t).CreatePartitions(t.Context(), s.db, time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), 1); err != nil {
			t.Fatal(err)
		}
	}
	s.Want(t, "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relname LIKE 'aaa%p2026%'", strings.Repeat("a", 53)+"_p20260301")
}

func TestPartitionsNeedAPartitionedTable(t *testing.T) {
	t.Parallel()
	s := newStore(t, outbox.Config{})
	p := s.partitions(t)
	if err := p.CreatePartitions(t.Context(), s.db, time.Now(), 1); !errors.Is(err, outbox.ErrConfig) {
		t.Errorf("%v", err)
	}
	if _, err := p.DropPartitions(t.Context(), s.db); !errors.Is(err, outbox.ErrConfig) {
		t.Errorf("%v", err)
	}
}

// partitions is a Pruner whose slot does not matter.
func (s *store) partitions(t testing.TB) *retention.Pruner {
	t.Helper()
	return pruner(t, retention.Config{Outbox: s.config, Slot: "any"})
}
