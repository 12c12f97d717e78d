package relay

import (
	"context"
	"time"

	"github.com/walpost/walpost/internal/producer"
	"github.com/walpost/walpost/internal/status"
)

const (
	// fullDebounce is how long delivery.in_flight must be used up, or not, to count: it
	// changes many times a second under load.
	fullDebounce = 500 * time.Millisecond
	// idleRecheck is how often the state is evaluated when nothing has changed.
	idleRecheck = time.Hour
)

// stateWatcher keeps the state up to date while one stream runs. As long as it runs, it
// owns trial and outage.
type stateWatcher struct {
	*shared

	producer *producer.Producer
	trial    *trial
	outage   *outage
}

// run ends the stream when Kafka has been unavailable for too long. It sleeps until
// something changes.
func (w *stateWatcher) run(ctx context.Context, end context.CancelCauseFunc, stop <-chan struct{}, wake func()) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	full := w.stats.fullChanged
	for {
		select {
		case <-ctx.Done():
			return
		case <-stop:
			wake()
			stop = nil
			continue
		case <-full:
			full = nil // further changes are ignored until the timer fires
			timer.Reset(fullDebounce)
			continue
		case <-w.changed:
		case <-timer.C:
		}
		full = w.stats.fullChanged
		timer.Reset(w.refreshState(end))
	}
}

// refreshState brings the state up to date. It returns how long it takes until the state
// may change by the passing of time alone.
func (w *stateWatcher) refreshState(end context.CancelCauseFunc) time.Duration {
	if w.trial.on && w.trial.passed(w.stats.events.Load()) {
		w.trial.on = false
		w.state.Swap(status.Streaming, "", status.Connecting)
		w.outage.end(w.log)
	}
	next := w.refreshKafka(end)
	if w.trial.on {
		next = min(next, trialCheck)
	}
	return next
}

func (w *stateWatcher) refreshKafka(end context.CancelCauseFunc) time.Duration {
	kafka := w.producer.Health()
	switch {
	case !kafka.Reachable && kafka.Err != nil:
		w.state.Swap(status.KafkaUnavailable, kafka.Err.Error(), status.Streaming, status.Throttled, status.KafkaUnavailable)
		left := w.opts.HibernateAfter - time.Since(kafka.Since)
		if left > 0 {
			return left
		}
		end(errHibernate)
	case len(kafka.Denied) > 0:
		w.state.Swap(status.KafkaUnavailable, kafka.Denied[0], status.Streaming, status.Throttled, status.KafkaUnavailable)
	case w.producer.Full():
		w.state.Swap(status.Throttled, "delivery.in_flight is used up: reading pauses until Kafka acknowledges",
			status.Streaming, status.KafkaUnavailable)
	case len(kafka.Stuck) > 0:
		w.state.Swap(status.KafkaUnavailable, kafka.Stuck[0], status.Streaming, status.Throttled, status.KafkaUnavailable)
	default:
		w.state.Swap(status.Streaming, "", status.KafkaUnavailable, status.Throttled)
	}
	return idleRecheck
}
