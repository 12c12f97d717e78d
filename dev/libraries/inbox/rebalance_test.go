package inbox_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/pkg/inbox"
)

// Members join and leave while events flow.
func TestRow74_RebalanceStorm(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 6)
	config := f.config(t)
	config.Parallel = 3
	f.storm(t, config, record, 5, 120)
}

// storm has two members join in each round, and one leave while events flow.
func (f *fixture) storm(t *testing.T, config inbox.Config, handle inbox.Handler[pgx.Tx], rounds, events int) {
	t.Helper()
	var members []*member
	for round := range rounds {
		f.events(t, round*events, events, 17)
		members = append(members, f.start(t, config, handle), f.start(t, config, handle))
		f.await(t, round*events+events/2)
		if len(members) > 3 {
			members[0].end(t)
			members = members[1:]
		}
	}
	f.once(t, rounds*events)
}

// A stop finishes the event in hand, commits its offset and lets the next alone.
func TestStopFinishesWhatIsInHand(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	f.events(t, 0, 10, 1)
	config := f.config(t)
	inHand, goOn := make(chan struct{}), make(chan struct{})
	m := f.start(t, config, func(ctx context.Context, tx pgx.Tx, e *inbox.Event) error {
		if e.ID == "4" {
			close(inHand)
			<-goOn
		}
		return record(ctx, tx, e)
	})
	<-inHand
	m.stop()
	close(goOn)
	m.end(t)
	f.once(t, 5)
	if at := f.committed(t, config.Group); at != 5 {
		t.Errorf("offset %d is committed, want 5", at)
	}
	if err := m.Run(t.Context()); err == nil {
		t.Error("a second Run")
	}
}

// While a key is tried again, other keys go on, and the offset stays before it.
func TestParallelKeys(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	f.send(t, f.message("bad", "slow"))
	f.events(t, 0, 40, 8)
	f.send(t, f.message("after", "slow"))
	config := f.config(t)
	config.Parallel = 16
	config.Retry.Attempts = -1
	var healed atomic.Bool
	f.start(t, config, func(ctx context.Context, tx pgx.Tx, e *inbox.Event) error {
		if e.ID == "bad" && !healed.Load() {
			return inbox.Transient(fmt.Errorf("attempt %d", e.Attempt))
		}
		return record(ctx, tx, e)
	})
	f.await(t, 1)
	devstacktest.Await(t, "keys of other workers", func() bool {
		return f.number(t, "SELECT count(DISTINCT key) FROM effect WHERE key <> 'slow'") >= 4
	})
	if n := f.number(t, "SELECT count(*) FROM effect WHERE key = 'slow'"); n != 0 {
		t.Errorf("%d events of the failing key", n)
	}
	if at := f.committed(t, config.Group); at != 0 {
		t.Errorf("offset %d is committed beyond a record that is not done", at)
	}
	healed.Store(true)
	f.once(t, 42)
	devstacktest.Await(t, "all marked", func() bool { return f.committed(t, config.Group) == 42 })
}
