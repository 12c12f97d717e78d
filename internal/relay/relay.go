// Package relay is the pipeline: from the replication stream through the router
// into the producer, and the confirmed LSN back to Postgres.
//
// It knows the order of things: connect, verify, stream, back off, stop, halt. What
// Postgres and Kafka say in detail it leaves to replication and producer.
package relay

import (
	"context"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/checkpoint"
	"github.com/walpost/walpost/internal/notify"
	"github.com/walpost/walpost/internal/producer"
	"github.com/walpost/walpost/internal/relay/report"
	"github.com/walpost/walpost/internal/relay/resume"
	"github.com/walpost/walpost/internal/status"
)

// Observer is told what a relay does, for metrics. Its methods must be fast.
type Observer interface {
	producer.Observer
	ChangeIgnored(op string) // insert into another table, update, delete, truncate, message, or filtered
	PostgresConnected()
	Pruned(rows int) // deleted by outbox.prune
}

// Relay is one relay: one slot, one outbox, one Kafka cluster.
type Relay struct {
	*shared

	loop *loop
	slot *slotWatcher
}

// shared is what the goroutines of a relay have in common: each part is safe for
// concurrent use, or never changes.
type shared struct {
	opts     Options
	timing   timing
	log      *zap.Logger
	observer Observer
	state    *report.Machine
	seen     report.Observations
	stats    pipelineStats
	catalog  catalogCheck
	changed  notify.Signal                     // the health of Kafka may have changed, and the state with it
	running  atomic.Pointer[producer.Producer] // nil before Run
	resumer  *resume.Resumer                   // nil: events may repeat
}

// New returns a relay. Nothing is contacted until Run.
func New(opts Options, observer Observer, log *zap.Logger) *Relay {
	s := &shared{
		opts: opts, log: log.With(zap.String("relay", opts.Name)), changed: notify.NewSignal(),
		timing: timing{guardIdle: guardIdle, patience: patience, stuckFor: stuckFor, inspectTimeout: inspectTimeout},
		stats:  pipelineStats{fullChanged: notify.NewSignal(), walProgress: notify.NewArmed()},
	}
	s.observer = &recordingObserver{Observer: observer, seen: &s.seen}
	s.state = report.NewMachine(opts.Name, s.log.With(zap.String("slot", opts.Objects.Slot)), s.stats.confirmed.Load)
	if opts.ExactlyOnce != nil {
		s.resumer = resume.New(*opts.ExactlyOnce, s.log)
	}
	p := &pipeline{
		resumer: s.resumer,
		router:  opts.Router, tracker: &checkpoint.Tracker{}, observer: s.observer, log: s.log, letters: opts.DeadLetters,
		onReject: opts.OnReject, rejectHint: opts.RejectHint,
		schema: opts.Objects.Table.Schema, table: opts.Objects.Table.Name, stats: &s.stats,
	}
	if opts.messages() {
		p.prefix = opts.Prefix
	}
	return &Relay{shared: s, loop: newLoop(s, p), slot: &slotWatcher{shared: s}}
}

// Run relays until stop is closed and everything read is acknowledged and
// confirmed (nil), ctx ends, or the relay halts (*Halt). An outage of Postgres or Kafka
// does not end it.
func (r *Relay) Run(ctx context.Context, stop <-chan struct{}) error { return r.loop.run(ctx, stop) }

// WatchSlot keeps the slot's part of the report up to date until ctx ends, also while the
// relay stands by, hibernates or has halted: that is when WAL accumulates.
func (r *Relay) WatchSlot(ctx context.Context) { r.slot.run(ctx) }

// Status returns what the relay is doing at the moment.
func (r *Relay) Status() status.Status { return r.state.Status() }

// Guarded reports whether publication and table were checked once: from then on a change
// is noticed.
func (r *Relay) Guarded() bool { return r.catalog.checked.Load() }

// InFlight returns what is read and not acknowledged: events, and bytes of memory.
func (r *Relay) InFlight() (events int, bytes int64) {
	p := r.running.Load()
	if p == nil {
		return 0, 0
	}
	return p.InFlight()
}

// Topics returns the topics that this process has had an event for, whether or not Kafka
// has acknowledged it.
func (r *Relay) Topics() []string {
	if p := r.running.Load(); p != nil {
		return p.Topics()
	}
	return nil
}

// oldest returns the times of the oldest event read that is not acknowledged; zero:
// there is none.
func (r *Relay) oldest() (committed, read time.Time) {
	p := r.running.Load()
	if p == nil {
		return time.Time{}, time.Time{}
	}
	watermark := p.Watermark()
	if watermark > r.stats.events.Load() {
		return time.Time{}, time.Time{}
	}
	return r.stats.times.Oldest(watermark)
}

// recordingObserver passes on to the observer, and notes what makes a condition.
type recordingObserver struct {
	Observer
	seen *report.Observations
}

func (o *recordingObserver) Transaction(committed bool) {
	if !committed {
		o.seen.Aborted()
	}
	o.Observer.Transaction(committed)
}

func (o *recordingObserver) Rejected(topic, reason string) {
	o.seen.Rejected()
	o.Observer.Rejected(topic, reason)
}
