package relay

import (
	"context"
	"time"

	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/status"
)

// slotEvery is how often the slot is looked at while no stream runs, and how old
// what was seen of it may be: some more than guardIdle, so that the guard is first.
const slotEvery = 12 * time.Second

// WatchSlot keeps what the relay says of its slot true until ctx ends, also while
// the relay stands by, hibernates or has halted: that is when WAL piles up. While
// it streams, its guard looks more often than this. Each look is a connection of
// its own, so that none is open when Postgres wants to end.
func (r *Relay) WatchSlot(ctx context.Context) {
	look := time.NewTimer(slotEvery / 2)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		// While it connects the relay itself tries to reach Postgres, and says what comes of it.
		if r.seen.slotAge() >= slotEvery && r.state.get().State != status.Connecting {
			r.lookAtSlot(ctx)
		}
		look.Reset(max(slotEvery-r.seen.slotAge(), slotEvery/2))
	}
}

// lookAtSlot leaves what was seen before as it is when it cannot look.
func (r *Relay) lookAtSlot(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, slotEvery)
	defer cancel()
	conn, err := r.target.SQL(ctx)
	if err != nil {
		return
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // it was read from only
	if slot, err := catalog.ReadSlot(ctx, conn, r.cfg.Postgres.Slot); err == nil {
		r.seen.sawSlot(slot)
		if slot != nil && slot.Lost() { // who hibernates need not wait for Kafka to say so
			r.changed.give()
		}
	}
}
