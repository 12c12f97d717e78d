package recover

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/replication"
)

// keep opens the new slot now and then while rows are published, until the caller ends
// it: nobody reads from it yet, and the server may give up one that is idle for longer
// than idle_replication_slot_timeout.
func (r *Recovery) keep(ctx context.Context) (end func()) {
	if r.idle == 0 {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(r.idle / 3)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			// A visit that has begun is ended in order: the slot must be free afterwards.
			limited, done := context.WithTimeout(context.WithoutCancel(ctx), postgres.ConnectTimeout)
			err := replication.Visit(limited, r.target, TemporaryName(r.Config.Postgres.Slot), r.Config.Postgres.Publication)
			done()
			if err != nil {
				r.Log.Warn("the new slot cannot be opened to keep it", zap.Error(err))
			}
		}
	}()
	return func() {
		cancel()
		<-ended
	}
}
