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
		"; disconnected from Postgres so that its shutdown is not held up, the slot keeps the data", "")
	visit := time.NewTimer(visitEvery(l.idleLimit))
	defer visit.Stop()
	for !l.producer.Health().Reachable {
		if slot := l.seen.Slot(); slot != nil && slot.Lost() {
			return nil // connecting says so
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

// maxVisitPause is how long the slot is left alone at most: there are services that remove
// one that nobody uses.
const maxVisitPause = time.Hour

// visitEvery is how often the slot is opened while nobody reads from it, at a server
// with this idle_replication_slot_timeout (0: none).
func visitEvery(limit time.Duration) time.Duration {
	if limit == 0 {
		return maxVisitPause
	}
	return min(limit/3, maxVisitPause)
}

// visit opens the slot and leaves it again, and reports whether there is none to come
// back to.
func (l *loop) visit(ctx context.Context) (gone bool) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	err := replication.Visit(ctx, l.opts.Target, l.opts.Objects.Slot, l.opts.Objects.Publication)
	switch postgres.KindOf(err) {
	case postgres.NotReady, postgres.SlotMissing:
		return true
	case postgres.SlotActive: // somebody else keeps it in use
		return false
	default:
	}
	if err != nil && ctx.Err() == nil {
		l.seen.Failed(err)
		l.log.Warn("the slot cannot be opened to keep it while Kafka is away", zap.Error(err))
	}
	return false
}
