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

// slotWatcher looks at the slot while no stream runs: the guard of a stream looks more
// often. Each look is a connection of its own, so that none is open when Postgres wants
// to end.
type slotWatcher struct{ *shared }

func (w *slotWatcher) run(ctx context.Context) {
	next := time.NewTimer(slotEvery / 2)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-next.C:
		}
		// While it connects the relay itself tries to reach Postgres, and says what comes of it.
		if w.seen.SlotAge() >= slotEvery && w.state.Status().State != status.Connecting {
			w.look(ctx)
		}
		next.Reset(max(slotEvery-w.seen.SlotAge(), slotEvery/2))
	}
}

// look leaves what was seen before as it is when it cannot look.
func (w *slotWatcher) look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, slotEvery)
	defer cancel()
	conn, err := w.opts.Target.SQL(ctx)
	if err != nil {
		return
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // it was read from only
	if slot, err := catalog.ReadSlot(ctx, conn, w.opts.Objects.Slot); err == nil {
		w.seen.SetSlot(slot)
		if slot != nil && slot.Lost() { // who hibernates need not wait for Kafka to say so
			w.changed.Notify()
		}
	}
}
