package relay

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/replication"
	"github.com/walpost/walpost/internal/status"
)

// wait sleeps before the next attempt to connect, as long as what ended the last
// one asks for. It returns an error only when the relay shall end.
func (r *Relay) wait(ctx context.Context, stop <-chan struct{}, err error) error {
	if isClosed(stop) && r.settled() {
		return nil
	}
	if errors.Is(err, errHibernate) {
		return r.hibernate(ctx, stop)
	}
	pause := r.failing.pause()
	if postgres.KindOf(err) == postgres.SlotActive {
		r.stoodBy = true
		r.failing.reset()
		pause = min(r.standing.pause(), standbyPoll)
		r.state.set(status.Standby, err.Error(), "")
	} else {
		r.failed(err, pause)
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-stop:
		if r.settled() {
			return nil
		}
	case <-timer.C:
		return nil
	}
	select { // what was read must still be confirmed
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// failed logs a lost or refused connection: at once, then rarely.
func (r *Relay) failed(err error, pause time.Duration) {
	reason := "no connection"
	if err != nil {
		reason = err.Error()
		r.seen.failed(err)
	}
	r.state.set(status.Connecting, reason, "")
	now := time.Now()
	if r.failing.attempts > 1 && now.Sub(r.logged) < logEvery {
		return
	}
	r.logged, r.away = now, true
	message := "Postgres is not there, connecting again"
	if r.trial.on {
		message = "Postgres cannot go on with the stream, connecting again"
	}
	r.log.Warn(message, zap.String("error", reason),
		zap.Int("attempt", r.failing.attempts), zap.Duration("next_in", pause.Round(time.Millisecond)))
}

// hibernate waits, without a connection to Postgres, until Kafka answers again.
func (r *Relay) hibernate(ctx context.Context, stop <-chan struct{}) error {
	r.state.set(status.Hibernating, "Kafka has not answered for "+r.cfg.Postgres.HibernateAfter.String()+
		"; disconnected from Postgres so that its shutdown is not held up, the slot keeps the data", "")
	visit := time.NewTimer(visitEvery(r.idleLimit))
	defer visit.Stop()
	for !r.producer.Health().Reachable {
		if slot := r.seen.slotStatus(); slot != nil && slot.Lost() {
			return nil // connecting says so
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-stop:
			if r.settled() {
				return nil
			}
			stop = nil // what was read must still be acknowledged
		case <-r.changed:
		case <-visit.C:
			if gone := r.visit(ctx); gone {
				return nil
			}
			visit.Reset(visitEvery(r.idleLimit))
		}
	}
	return nil
}

// visitMost is how long the slot is left alone at most: there are services that remove
// one that nobody uses.
const visitMost = time.Hour

// visitEvery is how often the slot is opened while nobody reads from it, at a server
// with this idle_replication_slot_timeout (0: none).
func visitEvery(limit time.Duration) time.Duration {
	if limit == 0 {
		return visitMost
	}
	return min(limit/3, visitMost)
}

// visit opens the slot and leaves it again, and reports whether there is none to come
// back to.
func (r *Relay) visit(ctx context.Context) (gone bool) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	err := replication.Visit(ctx, r.target, r.cfg.Postgres.Slot, r.cfg.Postgres.Publication)
	switch postgres.KindOf(err) {
	case postgres.NotReady, postgres.SlotMissing:
		return true
	case postgres.SlotActive: // somebody else keeps it in use
		return false
	default:
	}
	if err != nil && ctx.Err() == nil {
		r.seen.failed(err)
		r.log.Warn("the slot cannot be opened to keep it while Kafka is away", zap.Error(err))
	}
	return false
}

// watch keeps the state true while a stream runs, and ends the stream when Kafka
// has been away for too long. It sleeps until something changes.
func (r *Relay) watch(ctx context.Context, end context.CancelCauseFunc, stop <-chan struct{}, stream *replication.Stream) {
	look := time.NewTimer(0)
	defer look.Stop()
	filled := r.pipeline.filled
	for {
		select {
		case <-ctx.Done():
			return
		case <-stop:
			stream.Wake()
			stop = nil
			continue
		case <-filled:
			filled = nil // not before the look
			look.Reset(settle)
			continue
		case <-r.changed:
		case <-look.C:
		}
		filled = r.pipeline.filled
		look.Reset(r.judge(end))
	}
}

// judge brings the state up to date, and says after how long it may have changed by
// the passing of time alone.
func (r *Relay) judge(end context.CancelCauseFunc) time.Duration {
	if r.passed() {
		return r.judgeKafka(end)
	}
	return min(r.judgeKafka(end), trialLook)
}

func (r *Relay) judgeKafka(end context.CancelCauseFunc) time.Duration {
	kafka := r.producer.Health()
	switch {
	case !kafka.Reachable && kafka.Err != nil:
		r.state.swap(status.KafkaUnavailable, kafka.Err.Error(), status.Streaming, status.Throttled, status.KafkaUnavailable)
		left := r.cfg.Postgres.HibernateAfter - time.Since(kafka.Since)
		if left > 0 {
			return left
		}
		end(errHibernate)
	case len(kafka.Denied) > 0:
		r.state.swap(status.KafkaUnavailable, kafka.Denied[0], status.Streaming, status.Throttled, status.KafkaUnavailable)
	case r.producer.Full():
		r.state.swap(status.Throttled, "delivery.in_flight is used up: reading pauses until Kafka acknowledges", status.Streaming, status.KafkaUnavailable)
	case len(kafka.Stuck) > 0:
		r.state.swap(status.KafkaUnavailable, kafka.Stuck[0], status.Streaming, status.Throttled, status.KafkaUnavailable)
	default:
		r.state.swap(status.Streaming, "", status.KafkaUnavailable, status.Throttled)
	}
	return seldom
}
