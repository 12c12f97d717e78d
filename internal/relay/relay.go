// Package relay is the pipeline: from the replication stream through the router
// into the producer, and the confirmed LSN back to Postgres.
//
// It knows the order of things: connect, verify, stream, wait, stop, halt. What
// Postgres and Kafka say in detail it leaves to replication and producer.
package relay

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/checkpoint"
	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/kafka/topics"
	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/producer"
	"github.com/walpost/walpost/internal/replication"
	"github.com/walpost/walpost/internal/router"
	"github.com/walpost/walpost/internal/status"
	"github.com/walpost/walpost/internal/wiring"
)

// Observer hears what a relay does, for metrics. Its methods must be fast.
type Observer interface {
	producer.Observer
	ChangeIgnored(op string) // insert into another table, update, delete, truncate, message
	PostgresConnected()
	Pruned(rows int) // deleted by outbox.prune
}

const (
	logEvery    = 30 * time.Second       // how often a failure that goes on is logged after its first line
	standbyPoll = time.Second            // how often a standby looks whether the slot is free, after some quicker looks
	healthyFor  = 10 * time.Second       // a stream that lived so long resets the back-off
	settle      = 500 * time.Millisecond // how long delivery.in_flight must be used up, or not, to count: it changes many times a second under load
	seldom      = time.Hour              // until a look that nothing asks for
)

// Causes that end a stream without a fault of Postgres.
var (
	errHibernate = errors.New("brokers of Kafka have been away for longer than postgres.hibernate_after")
	errDeadline  = errors.New("shutdown_timeout has passed")
)

// Relay is one relay: one slot, one outbox, one Kafka cluster.
type Relay struct {
	cfg      *config.Config
	log      *zap.Logger
	target   postgres.Target
	near     postgres.Target // the server of the stream; the Run goroutine's, and of those beside the stream
	observer Observer
	state    *machine
	aged     aged
	describe func(ctx context.Context, topics []string) ([]topics.Topic, error) // nil: nobody asks
	kafka    func() (producer.Options, error)                                   // the way to Kafka; a test's own in virtual time
	producer *producer.Producer                                                 // the Run goroutine's
	running  atomic.Pointer[producer.Producer]                                  // the same, for reports from other goroutines; nil before Run
	pipeline *pipeline

	started  bool // the start's requirements were met once
	system   string
	timeline int32
	reported pgoutput.LSN // confirmed by this process, the highest
	found    pgoutput.LSN // confirmed_flush_lsn of the slot, as the last session found it
	stoodBy  bool         // another connection had the slot since the last stream
	changed  signal       // what the state follows may have changed: how Kafka is
	failing  backoff
	standing backoff // while another connection has the slot
	logged   time.Time
	away     bool          // it was logged that Postgres is not there
	young    int           // streams that died young, one after the other
	stuck    stuck         // where the last streams ended
	stuckFor time.Duration // as the constant; shorter in tests
	trial    trial         // of the present stream; while it runs watch's

	seen      sightings
	patience  time.Duration // as the constant; shorter in tests
	startLook time.Duration // the same

	// the guard's: one runs at a time
	guarded         atomic.Pointer[catalog.Snapshot] // as it was at the last look
	guardedOnce     atomic.Bool
	guardedAt       time.Time     // of that look
	guardIdle       time.Duration // as the constant; longer in tests
	unguardedLogged time.Time
	pruneLogged     time.Time
	idleLimit       time.Duration // idle_replication_slot_timeout of the server; 0: none
	waited          bool          // the walsender waited for a standby at the last look
}

// New makes a relay of a configuration. Nothing is contacted until Run.
func New(cfg *config.Config, observer Observer, log *zap.Logger) (*Relay, error) {
	log = log.With(zap.String("relay", cfg.Name))
	r := &Relay{
		cfg: cfg, log: log, target: wiring.Target(cfg), patience: patience, stuckFor: stuckFor, startLook: startLook, guardIdle: guardIdle, changed: newSignal(),
		failing:  backoff{least: 100 * time.Millisecond, most: 5 * time.Second},
		standing: backoff{least: 50 * time.Millisecond, most: standbyPoll},
	}
	r.aged.told = newSignal()
	r.kafka, r.describe = r.producerOptions, r.describeTopics
	rt, err := router.New(wiring.Mapping(cfg))
	if err != nil {
		return nil, err
	}
	letters, err := wiring.DeadLetters(cfg)
	if err != nil {
		return nil, err
	}
	r.observer = &sightseer{Observer: observer, seen: &r.seen}
	r.pipeline = &pipeline{
		router: rt, tracker: &checkpoint.Tracker{}, observer: r.observer, log: log, letters: letters,
		onReject: wiring.OnReject(cfg), schema: cfg.Outbox.Table.Schema, table: cfg.Outbox.Table.Name,
		filled: newSignal(), stir: stir{told: newSignal()},
	}
	r.state = newMachine(cfg.Name, log.With(zap.String("slot", cfg.Postgres.Slot)), func() pgoutput.LSN {
		return pgoutput.LSN(r.pipeline.confirmed.Load())
	})
	if cfg.Outbox.Messages() {
		r.pipeline.prefix = cfg.Outbox.Prefix
	}
	return r, nil
}

func (r *Relay) producerOptions() (producer.Options, error) {
	return wiring.ProducerOptions(r.cfg, r.observer, r.log)
}

// Status is what the relay is doing at the moment.
func (r *Relay) Status() status.Status { return r.state.get() }

// InFlight is what is read and not acknowledged: events, and bytes of memory.
func (r *Relay) InFlight() (events int, bytes int64) {
	p := r.running.Load()
	if p == nil {
		return 0, 0
	}
	return p.InFlight()
}

// Run relays until stop is closed and everything read is acknowledged and
// confirmed (nil), ctx ends, or the relay halts (*Halt). Neither Postgres nor
// Kafka being away ends it.
func (r *Relay) Run(ctx context.Context, stop <-chan struct{}) error {
	opts, err := r.kafka()
	if err != nil {
		return err
	}
	if mechanism, yes := wiring.Kafka(r.cfg).Cleartext(); yes {
		r.log.Warn("the secret of kafka.sasl crosses the network in clear text: use TLS, or SCRAM", zap.String("mechanism", mechanism))
	}
	wake := &waker{}
	opts.Progress, opts.Changed, opts.Patience, opts.Acknowledged = wake.call, r.changed.give, r.patience, r.aged.note
	r.producer = producer.New(ctx, opts)
	r.running.Store(r.producer)
	defer r.producer.Close()
	r.pipeline.producer = r.producer

	ctx, cancel := r.withDeadline(ctx, stop)
	defer cancel()
	for {
		if isClosed(stop) && r.settled() { // nothing read is left: a standby ends at once
			r.state.set(status.Stopped, "", "")
			return nil
		}
		err := r.attempt(ctx, stop, wake)
		if end, result := r.ended(ctx, stop, err); end {
			return result
		}
		if err := r.wait(ctx, stop, err); err != nil {
			return r.result(err)
		}
	}
}

// withDeadline ends the context shutdown_timeout after stop.
func (r *Relay) withDeadline(ctx context.Context, stop <-chan struct{}) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		select {
		case <-ctx.Done():
			return
		case <-stop:
		}
		timer := time.NewTimer(r.cfg.ShutdownTimeout)
		defer timer.Stop()
		select {
		case <-ctx.Done():
		case <-timer.C:
			cancel(errDeadline)
		}
	}()
	return ctx, func() { cancel(context.Canceled) }
}

// attempt is one connection to Postgres, from dialling to its end.
func (r *Relay) attempt(ctx context.Context, stop <-chan struct{}, wake *waker) error {
	if !r.started {
		if err := r.verifyStart(ctx, stop); err != nil {
			return err
		}
		r.started = true
	}
	first := r.system == ""
	stream, err := r.open(ctx)
	if err != nil && first && postgres.KindOf(err) == postgres.Pooler { // the look before it passes through one
		return definite(err)
	}
	if err != nil {
		r.trial.on = false
		return r.decide(ctx, err)
	}
	defer stream.Close()
	begun, before := time.Now(), r.pipeline.read
	cause := r.stream(ctx, stop, wake, stream)
	r.reported = max(r.reported, stream.Reported())
	return r.afterStream(ctx, cause, r.decide(ctx, cause), before, time.Since(begun))
}

// open connects, checks that this is the server and the slot of before, and
// starts the stream.
func (r *Relay) open(ctx context.Context) (*replication.Stream, error) {
	dial, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	r.state.swap(status.Connecting, "", status.Streaming, status.Throttled, status.KafkaUnavailable, status.Verifying)
	session, err := replication.Open(dial, r.target, r.cfg.Postgres.Slot)
	if err != nil {
		return nil, err
	}
	r.near, r.idleLimit = session.Near(), session.IdleMax
	r.seen.sawPostgres(session.Version)
	if err := r.recognise(ctx, session); err != nil {
		session.Close(ctx)
		return nil, err
	}
	stream, err := session.Start(ctx, r.cfg.Postgres.Slot, r.cfg.Postgres.Publication, r.cfg.Outbox.Messages())
	if err != nil {
		return nil, err
	}
	stream.Bound(2*int(r.cfg.Kafka.MaxMessageBytes)+1<<20, r.pipeline)
	r.pipeline.clock, r.pipeline.inside = session.Clock, false
	r.observer.PostgresConnected()
	r.stoodBy = false
	r.standing.reset()
	if r.trial.on {
		r.trial.begin(r.pipeline.events.Load())
		return stream, nil
	}
	r.log.Info("streaming", zap.String("slot", r.cfg.Postgres.Slot), zap.String("system", session.SystemID),
		zap.Int32("timeline", session.Timeline), zap.Stringer("confirmed_lsn", session.Slot.Confirmed))
	r.thereAgain()
	return stream, nil
}

// recognise compares server and slot with what this process knows of them.
func (r *Relay) recognise(ctx context.Context, s *replication.Session) error {
	slot := r.cfg.Postgres.Slot
	switch {
	case r.system != "" && s.SystemID != r.system:
		return &status.Halt{
			Code: status.ExitHalted, Reason: "another Postgres cluster answers under this address",
			Detail: fmt.Sprintf("its system identifier is %s, it was %s", s.SystemID, r.system),
			Hint:   "check which server postgres.url leads to; if this cluster is intended, start walpost again",
		}
	case s.Standby: // in a failover the address may lead here before the promotion
		return &postgres.Error{
			Kind: postgres.Standby, Op: "connect to " + s.Near().Address(), Text: "this server is a standby",
			Hint: "waiting for its promotion; postgres.url must lead to the primary",
		}
	case !s.Slot.Exists:
		return &status.Halt{
			Code: status.ExitHalted, Reason: fmt.Sprintf("slot %q does not exist any more", slot),
			Detail: "what was committed since it went is not in it",
			Hint:   wiring.HintsOf(r.cfg).Recover(),
		}
	case s.Slot.Active && s.Slot.Confirmed > r.reported: // another relay took over while this one was frozen or cut off
		r.stoodBy = true
	case r.timeline == s.Timeline && r.reported > 0 && s.Slot.Confirmed > r.reported && !r.stoodBy:
		return &status.Halt{
			Code: status.ExitHalted, Reason: fmt.Sprintf("slot %q was advanced by somebody else", slot),
			Detail: fmt.Sprintf("it is confirmed up to %s, and this process confirmed %s. Events in between may be missing in Kafka. They are not if another relay took over and has ended since: Postgres does not record who confirmed them", s.Slot.Confirmed, r.reported),
			Hint:   wiring.HintsOf(r.cfg).Recover() + "; or start walpost again to continue from the slot as it is",
		}
	}
	if r.timeline != 0 && s.Timeline != r.timeline {
		r.follow(ctx, s)
	} else {
		r.pipeline.tracker.Restart(s.Slot.Confirmed)
	}
	r.system, r.timeline, r.found = s.SystemID, s.Timeline, s.Slot.Confirmed
	return nil
}

// stream runs one stream to its end, and the orderly end of a planned stop or a halt.
func (r *Relay) stream(ctx context.Context, stop <-chan struct{}, wake *waker, stream *replication.Stream) error {
	inner, cancel := context.WithCancelCause(ctx)
	unset := wake.set(stream.Wake)
	defer unset()
	unwatch := context.AfterFunc(inner, stream.Wake)
	defer unwatch()
	var beside sync.WaitGroup
	defer beside.Wait()
	defer cancel(nil)
	if !r.trial.on {
		r.state.set(status.Streaming, "", "")
	}
	beside.Go(func() { r.watch(inner, cancel, stop, stream) })
	beside.Go(func() { r.guard(inner, cancel) })
	beside.Go(func() { r.prune(inner) })
	beside.Go(func() { r.watchRetention(inner) })

	err := r.undecodable(stream.Run(inner, stop, r.pipeline))
	halt, halted := errors.AsType[*status.Halt](err)
	if err != nil && !halted {
		return err
	}
	r.state.set(status.Stopping, "waiting for Kafka to acknowledge what was read", "")
	draining := inner
	if halted {
		limited, done := context.WithTimeoutCause(ctx, r.cfg.ShutdownTimeout, errDeadline)
		defer done()
		draining = limited
	}
	if err := stream.KeepAliveUntil(draining, r.pipeline, r.producer.Idle); err != nil && !halted {
		return err
	}
	finish, done := context.WithTimeout(context.WithoutCancel(ctx), finishTimeout)
	defer done()
	if err := stream.Finish(finish, r.pipeline); err != nil && !halted {
		return fmt.Errorf("confirm at the end: %w", err)
	}
	if halted {
		return halt
	}
	return nil
}

// finishTimeout is what the server may take to answer the last confirmation.
const finishTimeout = 5 * time.Second

// ended judges how an attempt came out: the end of the relay, or another attempt.
func (r *Relay) ended(ctx context.Context, stop <-chan struct{}, err error) (bool, error) {
	if halt, ok := errors.AsType[*status.Halt](err); ok {
		r.deliver(ctx)
		r.state.set(status.HaltedState, halt.Summary(), halt.Hint)
		r.log.Error("halted", zap.Int("exit_code", halt.Code), zap.String("reason", halt.Reason),
			zap.String("detail", halt.Detail), zap.String("hint", halt.Hint))
		return true, halt
	}
	if ctx.Err() != nil {
		return true, r.result(context.Cause(ctx))
	}
	if err == nil && isClosed(stop) {
		r.state.set(status.Stopped, "", "")
		return true, nil
	}
	return false, nil
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// deliver waits until Kafka has what was read, before a halt. Where the stream could
// end in order that has happened already, and it returns at once.
func (r *Relay) deliver(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.ShutdownTimeout)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !r.producer.Idle() {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// settled tells that nothing read is left to acknowledge or to confirm.
func (r *Relay) settled() bool {
	lsn, settled := r.pipeline.Confirmed()
	return settled && r.pipeline.Between() && lsn <= r.reported || r.pipeline.events.Load() == 0
}

// result words the end of a relay whose time is over.
func (r *Relay) result(err error) error {
	if !errors.Is(err, errDeadline) {
		return err
	}
	events, _ := r.producer.InFlight()
	return fmt.Errorf("%w: %d events read are not acknowledged by Kafka and confirmed to Postgres; nothing is lost, they come again at the next start", err, events)
}
