// Package republish answers how rows of the outbox table, and records of a topic, reach
// Kafka beside the stream: routed and queued as the relay does it, at a pace, and only
// where their topics keep them.
//
// It knows the table, router and producer. It must not know the relay, the slot, nor why
// something is published again.
package republish

import (
	"context"
	"time"

	"go.uber.org/zap"
	"golang.org/x/time/rate"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/notify"
	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/producer"
	"github.com/walpost/walpost/internal/record"
	"github.com/walpost/walpost/internal/router"
	"github.com/walpost/walpost/internal/wiring"
)

// Options says how a Publisher publishes. Rate, StampNow and Headers may be left out.
type Options struct {
	Config  *config.Config
	Mapping router.Mapping // as wiring.Mapping returns it, or changed
	Command string         // the command that publishes, for errors and the cursor's name
	After   record.Position
	Log     *zap.Logger

	Rate     float64         // records a second, at most; 0: no limit
	StampNow bool            // each record has the time of publishing
	Headers  []record.Header // of every record, after its own
}

// Result is what was published.
type Result struct {
	Rows         int64 // rows or records that were read
	DeadLetters  int64 // of these, gone to a dead-letter topic
	Skipped      int64 // of these, left out by delivery.on_reject: skip
	Acknowledged int64 // of these, Kafka has them and all before them
}

// Publisher is the way of rows to Kafka: the relay's, but for where they come from. It is
// for one goroutine.
type Publisher struct {
	options     Options
	router      *router.Router
	deadLetters *record.DeadLetters
	policy      record.RejectPolicy
	producer    *producer.Producer
	progress    notify.Signal // of the producer
	tick        *time.Ticker

	relation *pgoutput.Relation
	position record.Position // of the last row
	events   uint64          // event numbers given out
	rows     int64           // read
	refused  counter
	dead     int64 // rows that could never become a record: dead letters
	skipped  int64 // and those left out

	limiter *rate.Limiter // nil: no limit
	expiry  *Expiry       // nil: every record has the time of publishing
}

// New starts a Publisher, which the caller must close.
func New(ctx context.Context, o Options) (*Publisher, error) {
	if o.StampNow {
		o.Mapping.Timestamp = ""
	}
	rt, err := router.New(o.Mapping)
	if err != nil {
		return nil, err
	}
	deadLetters, err := wiring.DeadLetters(o.Config)
	if err != nil {
		return nil, err
	}
	p := &Publisher{
		options: o, router: rt, deadLetters: deadLetters, progress: notify.NewSignal(), position: o.After,
		limiter: newLimiter(o.Rate),
	}
	if !o.StampNow {
		p.expiry = NewExpiry(o.Config)
	}
	opts, err := wiring.ProducerOptions(o.Config, &p.refused, o.Log)
	if err != nil {
		return nil, err
	}
	opts.Progress = p.progress.Notify
	p.policy = opts.OnReject
	if parts, named := o.Mapping.Topic, opts.Configured; len(parts) == 1 && parts[0].Column == "" { // --to-topic
		opts.Configured = func(topic string) bool { return topic == parts[0].Literal || named(topic) }
	}
	p.producer = producer.New(ctx, opts)
	p.producer.SetAge(time.Hour) // nobody waits for these: fill the requests
	p.tick = time.NewTicker(time.Second)
	return p, nil
}

// Close ends the producer. What Kafka has not acknowledged is dropped.
func (p *Publisher) Close() {
	p.tick.Stop()
	p.producer.Close()
}

// Result returns what was published so far.
func (p *Publisher) Result() Result {
	r := Result{Rows: p.rows, DeadLetters: p.dead, Skipped: p.skipped, Acknowledged: int64(p.producer.Watermark() - 1)}
	switch p.policy {
	case record.RejectSkip:
		r.Skipped += p.refused.records.Load()
	case record.RejectDeadLetter:
		r.DeadLetters += p.refused.records.Load()
	case record.RejectStop:
	}
	return r
}
