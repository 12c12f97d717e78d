package relay

import (
	"context"
	"time"

	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/status"
)

// slotEvery is how often the slot is read while no stream runs, and how old the last
// reading may be. It is longer than guardIdle, so that the guard is first.
const slotEvery = 12 * time.Second

// slotWatcher reads the slot while no stream runs. While one runs, its guard does. Each
// reading opens a connection of its own, so that none is open when Postgres shuts down.
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
		// While the relay is connecting, it reports itself whether Postgres can be reached.
		if w.seen.SlotAge() >= slotEvery && w.state.Status().State != status.Connecting {
			w.read(ctx)
		}
		next.Reset(max(slotEvery-w.seen.SlotAge(), slotEvery/2))
	}
}

// read reads the slot. If that fails, the last reading stays.
func (w *slotWatcher) read(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, slotEvery)
	defer cancel()
	conn, err := w.opts.Target.SQL(ctx)
	if err != nil {
		return
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // it was read from only
	if slot, err := catalog.ReadSlot(ctx, conn, w.opts.Objects.Slot); err == nil {
		w.seen.SetSlot(slot)
		if slot != nil && slot.Lost() { // a relay that hibernates need not wait for Kafka to report it
			w.changed.Notify()
		}
	}
}
