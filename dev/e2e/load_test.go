package e2e_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
)

// load is several services that commit events of the same aggregates at the same
// time. The number of an event is drawn from its aggregate's row, whose lock is
// held to the end of the transaction: so numbers rise in the order of commits.
type load struct {
	cancel context.CancelFunc
	all    sync.WaitGroup
	failed chan error
}

// aggregates is how many keys the load writes to, and writers how many sessions.
const (
	aggregates = 40
	writers    = 4
)

// startLoad lets the load run until end is called.
func startLoad(t *testing.T, h *harness, rnd *rand.Rand) *load {
	t.Helper()
	h.Exec(t, "CREATE TABLE aggregate (key text PRIMARY KEY, n bigint NOT NULL DEFAULT 0)",
		fmt.Sprintf("INSERT INTO aggregate SELECT to_char(i, 'FM\"k\"000') FROM generate_series(0, %d) i", aggregates-1))
	ctx, cancel := context.WithCancel(t.Context())
	l := &load{cancel: cancel, failed: make(chan error, writers)}
	for range writers {
		conn, err := h.DB.Server.Connect(t.Context(), h.DB.Name)
		if err != nil {
			t.Fatal(err)
		}
		own := devstacktest.Split(rnd)
		l.all.Go(func() { l.failed <- write(ctx, conn, own, h.types) })
	}
	return l
}

// end stops the writers after their transaction and waits for them.
func (l *load) end(t *testing.T) {
	t.Helper()
	l.cancel()
	l.all.Wait()
	for range writers {
		if err := <-l.failed; err != nil {
			t.Fatal(err)
		}
	}
}

// write commits and rolls back transactions until ctx is done.
func write(ctx context.Context, conn *pgx.Conn, rnd *rand.Rand, types []string) error {
	free := context.WithoutCancel(ctx)
	defer conn.Close(free)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for ctx.Err() == nil {
		if _, err := conn.Exec(free, transaction(rnd, types)); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
	return nil
}

// transaction is one at random: some are rolled back, some have a savepoint that
// is, and a few are large, so that a kill finds them half-way.
func transaction(rnd *rand.Rand, types []string) string {
	keys := rnd.Perm(aggregates)[:1+rnd.IntN(4)]
	slices.Sort(keys) // in one order, so that no two wait for each other
	end := "COMMIT"
	if rnd.IntN(8) == 0 {
		end = "ROLLBACK"
	}
	sql := []string{"BEGIN"}
	for _, key := range keys {
		events := func(n int) string { return events(typeOf(key, types), key, n) }
		n := 1
		if rnd.IntN(500) == 0 {
			n = 1000
		}
		switch rnd.IntN(6) {
		case 0:
			sql = append(sql, "SAVEPOINT s", events(n), "ROLLBACK TO SAVEPOINT s", events(1))
		case 1:
			sql = append(sql, "SAVEPOINT s", events(n), "RELEASE SAVEPOINT s")
		default:
			sql = append(sql, events(n))
		}
	}
	return strings.Join(append(sql, end), ";\n")
}

// typeOf is the type of an aggregate: each has one, so that all events of a key are in one topic.
func typeOf(key int, types []string) string {
	if len(types) == 0 {
		return "order"
	}
	return types[key%len(types)]
}

// events inserts n events of an aggregate.
func events(aggregate string, key, n int) string {
	return fmt.Sprintf(`WITH a AS (UPDATE aggregate SET n = n + %[2]d WHERE key = 'k%03[1]d' RETURNING key, n - %[2]d AS before)
		INSERT INTO outbox (aggregatetype, aggregateid, type, payload)
		SELECT '%[3]s', key, 'Created', jsonb_build_object('n', before + i, 'pad', repeat('x', 100))
		FROM a, generate_series(1, %[2]d) i`, key, n, aggregate)
}
