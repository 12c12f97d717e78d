package retention_test

import (
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/walpost/walpost/dev/libraries/outboxtest"
	"github.com/walpost/walpost/pkg/outbox"
	"github.com/walpost/walpost/pkg/outbox/retention"
)

// With a pool of pgx: rows and partitions, and nothing before the slot has confirmed.
func TestPoolOfPgx(t *testing.T) {
	t.Parallel()
	s := newStore(t, outbox.Config{Partitioned: true})
	pool, err := pgxpool.New(t.Context(), s.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	s.db = retention.Pgx(pool)
	r, confirm := s.slot(t)
	old := time.Now().UTC().AddDate(0, 0, -3)
	if err := s.partitions(t).CreatePartitions(t.Context(), s.db, old, 1); err != nil {
		t.Fatal(err)
	}
	s.at(t, old, 1)
	s.Write(t, outboxtest.Event(2))
	if n, err := pruner(t, r).Prune(t.Context(), s.db); n != 0 || !errors.Is(err, retention.ErrNotConfirmed) {
		t.Errorf("%d rows deleted: %v", n, err)
	}
	s.drop(t, r, confirm, "public."+old.Format("outbox_p20060102"))
	s.Want(t, "SELECT payload->>'n' FROM outbox", "2")
	s.confirmedPrune(t, r, confirm, 1)
	s.Want(t, outboxtest.Numbers)
}
