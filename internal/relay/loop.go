package relay

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/lograte"
	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/producer"
	"github.com/walpost/walpost/internal/replication"
	"github.com/walpost/walpost/internal/status"
)

const (
	// From dialing to the first answer of a stream: TCP does not notice a server, or a proxy on the way, that keeps silent.
	connectTimeout = time.Minute

	healthyFor    = 10 * time.Second // a stream that has lasted so long resets the back-off
	finishTimeout = 5 * time.Second  // how long the server may take to answer the last confirmation
)

// Causes that end a stream without a fault of Postgres.
var (
	errHibernate = errors.New("no broker of Kafka has answered for longer than postgres.hibernate_after")
	errDeadline  = errors.New("shutdown_timeout has passed")
)

// loop connects, verifies, streams and backs off. Only the goroutine of Run touches its fields: it is the stream's goroutine too.
type loop struct {
	*shared

	producer *producer.Producer
	pipeline *pipeline
	present  atomic.Pointer[replication.Stream] // the producer's goroutines wake it

	// The goroutines beside the stream. Each runs while a stream does.
	guard     *guard
	pruner    *pruner // nil: nothing is deleted
	retention *retentionWatcher

	started   bool // the start's requirements were met once
	identity  identity
	near      postgres.Target // the server of the stream
	idleLimit time.Duration   // idle_replication_slot_timeout of the server; 0: none

	outage   outage  // owned by the state watcher while a stream runs
	trial    trial   // of the present stream; owned by its state watcher too
	standby  standby // while another connection has the slot
	short    int     // consecutive streams that ended soon after they began
	failures failures

	writersLogged lograte.Line // which transaction the creation of the slot waits for
}

// identity is what this process knows of server and slot.
type identity struct {
	system    string
	timeline  int32
	reported  pgoutput.LSN // confirmed by this process, the highest
	confirmed pgoutput.LSN // confirmed_flush_lsn of the slot, as the last session found it
}

func newLoop(s *shared, p *pipeline) *loop {
	l := &loop{shared: s, pipeline: p, guard: &guard{shared: s}, retention: newRetentionWatcher(s)}
	if s.opts.Prune != nil {
		l.pruner = &pruner{shared: s, what: s.opts.Prune}
	}
	return l
}

func (l *loop) run(ctx context.Context, stop <-chan struct{}) error {
	if err := l.startProducer(ctx); err != nil {
		return err
	}
	defer l.producer.Close()
	ctx, cancel := l.withDeadline(ctx, stop)
	defer cancel()
	for {
		if isClosed(stop) && l.settled() { // nothing read is left: a standby ends at once
			l.state.Set(status.Stopped, "", "")
			return nil
		}
		err := l.fenced()
		if err == nil {
			err = l.connectAndStream(ctx, stop)
		}
		if final, result := l.isFinal(ctx, stop, err); final {
			return result
		}
		if err := l.backOff(ctx, stop, err); err != nil {
			return l.withUnacknowledged(err)
		}
	}
}

// connectAndStream is one turn: one connection to Postgres, from dialling to its end.
func (l *loop) connectAndStream(ctx context.Context, stop <-chan struct{}) error {
	if !l.started {
		if err := l.verifyStart(ctx, stop); err != nil {
			return err
		}
		l.started = true
	}
	first := l.identity.system == ""
	stream, err := l.startStream(ctx)
	if err != nil && first && postgres.KindOf(err) == postgres.Pooler { // the queries before it pass through one
		return classifyStart(err)
	}
	if err != nil {
		l.trial.on = false
		return l.classify(ctx, err)
	}
	defer stream.Close()
	begun, before := time.Now(), l.pipeline.read
	cause := l.runStream(ctx, stop, stream)
	l.identity.reported = max(l.identity.reported, stream.Reported())
	return l.afterStream(ctx, cause, l.classify(ctx, cause), before, time.Since(begun))
}

// fenced returns the halt of a relay that another has fenced: one that stands by, or has no connection to Postgres, ends too.
func (l *loop) fenced() error {
	if h := l.producer.Halted(); h != nil && h.Fenced != nil {
		return l.pipeline.Fault()
	}
	return nil
}

// isFinal reports whether a turn was the last one, and how the relay ends.
func (l *loop) isFinal(ctx context.Context, stop <-chan struct{}, err error) (bool, error) {
	if halt, ok := errors.AsType[*status.Halt](err); ok {
		l.deliver(ctx)
		if halt.Code == status.ExitFenced {
			l.seen.Fenced()
		}
		l.state.Set(status.HaltedState, halt.Summary(), halt.Hint)
		l.log.Error("halted", zap.Int("exit_code", halt.Code), zap.String("reason", halt.Reason),
			zap.String("detail", halt.Detail), zap.String("hint", halt.Hint))
		return true, halt
	}
	if ctx.Err() != nil {
		return true, l.withUnacknowledged(context.Cause(ctx))
	}
	if err == nil && isClosed(stop) {
		l.state.Set(status.Stopped, "", "")
		return true, nil
	}
	return false, nil
}

func (l *loop) startProducer(ctx context.Context) error {
	opts, err := l.opts.Producer(l.observer, l.log)
	if err != nil {
		return err
	}
	if l.opts.Cleartext != "" {
		l.log.Warn("the secret of kafka.sasl crosses the network in clear text: use TLS, or SCRAM",
			zap.String("mechanism", l.opts.Cleartext))
	}
	opts.Progress, opts.Changed, opts.Acknowledged = l.wakeStream, l.changed.Notify, l.retention.note
	opts.Patience = l.timing.patience
	if l.resumer != nil {
		opts.Transactions = l.resumer.Transactions()
	}
	l.producer = producer.New(ctx, opts)
	l.running.Store(l.producer)
	l.pipeline.producer = l.producer
	return nil
}

// wakeStream wakes the present stream, if there is one. Any goroutine may call it.
func (l *loop) wakeStream() {
	if s := l.present.Load(); s != nil {
		s.Wake()
	}
}

// withDeadline ends the context shutdown_timeout after stop.
func (l *loop) withDeadline(ctx context.Context, stop <-chan struct{}) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		select {
		case <-ctx.Done():
			return
		case <-stop:
		}
		timer := time.NewTimer(l.opts.ShutdownTimeout)
		defer timer.Stop()
		select {
		case <-ctx.Done():
		case <-timer.C:
			cancel(errDeadline)
		}
	}()
	return ctx, func() { cancel(context.Canceled) }
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// deliver waits, before a halt, until Kafka has what was read. After an orderly end of the stream it returns at once.
func (l *loop) deliver(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, l.opts.ShutdownTimeout)
	defer cancel()
	l.producer.Flush()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !l.producer.Idle() {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// settled reports whether nothing read is left to acknowledge or to confirm.
func (l *loop) settled() bool {
	lsn, settled := l.pipeline.Confirmed()
	return settled && l.pipeline.Between() && lsn <= l.identity.reported || l.stats.events.Load() == 0
}

// withUnacknowledged adds what is not acknowledged to the error of a relay that ran out of time.
func (l *loop) withUnacknowledged(err error) error {
	if !errors.Is(err, errDeadline) {
		return err
	}
	events, _ := l.producer.InFlight()
	return fmt.Errorf("%w: %d events read are not acknowledged by Kafka and confirmed to Postgres; "+
		"nothing is lost, they come again at the next start", err, events)
}
