package relay

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/replication"
	"github.com/walpost/walpost/internal/status"
)

// hibernate waits, without a connection to Postgres, until Kafka answers again.
func (l *loop) hibernate(ctx context.Context, stop <-chan struct{}) error {
	l.state.Set(status.Hibernating, "Kafka has not answered for "+l.opts.HibernateAfter.String()+
		"; disconnected from Postgres so that its shutdown is not delayed; the slot keeps the data", "")
	visit := time.NewTimer(visitEvery(l.idleLimit))
	defer visit.Stop()
	for !l.producer.Health().Reachable {
		if slot := l.seen.Slot(); slot != nil && slot.Lost() {
			return nil // the attempt to connect reports it
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-stop:
			if l.settled() {
				return nil
			}
			stop = nil // what was read must still be acknowledged
		case <-l.changed:
		case <-visit.C:
			if gone := l.visit(ctx); gone {
				return nil
			}
			visit.Reset(visitEvery(l.idleLimit))
		}
	}
	return nil
}

// maxVisitPause is the longest time between two visits of the slot: some services remove a
// slot that nobody uses.
const maxVisitPause = time.Hour

// visitEvery is how often the slot is opened while nobody reads from it, at a server
// with this idle_replication_slot_timeout (0: none).
func visitEvery(limit time.Duration) time.Duration {
	if limit == 0 {
		return maxVisitPause
	}
	return min(limit/3, maxVisitPause)
}

// visit opens the slot and leaves it again. It reports whether the slot is gone.
func (l *loop) visit(ctx context.Context) (gone bool) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	err := replication.Visit(ctx, l.opts.Target, l.opts.Objects.Slot, l.opts.Objects.Publication)
	switch postgres.KindOf(err) {
	case postgres.NotReady, postgres.SlotMissing:
		return true
	case postgres.SlotActive: // another connection uses it
		return false
	default:
	}
	if err != nil && ctx.Err() == nil {
		l.seen.Failed(err)
		l.log.Warn("the slot cannot be opened, as it must be from time to time while Kafka is unavailable", zap.Error(err))
	}
	return false
}
