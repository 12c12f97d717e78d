// Package projection builds a read model from topics: it reads them from a start position,
// applies each record to the caller's tables, and stores its position in the same
// transaction. So after a crash it continues exactly where the tables are, whatever Kafka
// delivers again.
//
//	p, err := projection.New(projection.Config{
//		Name:      "order_list",
//		Brokers:   []string{"localhost:9092"},
//		Topics:    []string{"outbox.event.order"},
//		Tables:    []string{"order_list"},
//		Observers: []inbox.Observer{inbox.Log(slog.Default())},
//	}, projection.Pgx(pool), func(ctx context.Context, tx pgx.Tx, e *projection.Event) error {
//		_, err := tx.Exec(ctx, "INSERT INTO "+e.Table("order_list")+" (id) VALUES ($1) ON CONFLICT DO NOTHING", string(e.Key))
//		return err
//	})
//	...
//	err = p.Run(ctx) // until ctx is cancelled: nil
//
// The position is in the table of [DDL], one row for each partition. There is no consumer
// group: one process reads all partitions. If a second process runs the same projection,
// the position fences one of the two, whose Run ends with [ErrMoved].
//
// # Once, in order
//
// A transaction first advances the position from where this process left it, and then
// applies the records. If the position is elsewhere, another process is at work, and nothing
// is applied. Records of one partition, and so those of one key, are applied one after the
// other. A relay that delivers at least once may publish an event twice: these are two
// records with the same [Event.ID]. Most read models set what an event says, so that a
// repeat has no effect.
//
// # Rebuild
//
// [Projection.Rebuild] builds the tables anew beside those in use, from the same
// topics, until they are as far as those in use. Then one transaction puts the new tables
// in the place of the old ones. Readers wait for that transaction, and never see a table
// that is missing or half full.
//
// # Errors
//
// No record is skipped. Temporary errors (connections, deadlocks, timeouts; inbox.Classify
// says which) are retried without limit; any other error ends Run with topic, partition and
// offset. To skip a record, the handler returns nil.
//
// The package knows sarama, and transactions by their interfaces alone: it compiles
// without a driver, and without a logger or metrics library. It shares transactions and
// the classes of errors with package inbox.
package projection

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/pkg/inbox"
	"github.com/walpost/walpost/pkg/projection/internal/kafka/read"
)

// Projection builds one read model. Run and Rebuild may be at work at the same time,
// in one process or in two.
type Projection struct {
	config Config
	sarama *sarama.Config
	unit   transactor

	running atomic.Bool
	mu      sync.Mutex
	feeds   map[*feed]struct{}
	halts   map[context.Context]context.CancelCauseFunc // of Run and Rebuild
}

// ErrRunning means that Run was called a second time on one Projection, or Rebuild while
// another Rebuild of it was running.
var ErrRunning = errors.New("projection: it is running already")

// ErrOutOfRange means that the position is not in the partition any more: retention was
// faster, or the topic was truncated or made anew. Rebuild, or set the position.
var ErrOutOfRange = errors.New("projection: the position is out of range")

// New checks a configuration and makes a Projection of it. It touches neither Kafka
// nor the database.
func New[Tx any](config Config, db DB[Tx], handle Handler[Tx]) (*Projection, error) {
	config = withDefaults(config)
	if err := config.check(); err != nil {
		return nil, err
	}
	if db.Transact == nil || db.Exec == nil || db.Scan == nil {
		return nil, badConfig("DB", "want Transact, Exec and Scan")
	}
	if handle == nil {
		return nil, badConfig("Handler", "want a handler")
	}
	s, err := config.saramaConfig()
	if err != nil {
		return nil, err
	}
	return &Projection{
		config: config, sarama: s, unit: &unit[Tx]{db, handle}, feeds: map[*feed]struct{}{},
		halts: map[context.Context]context.CancelCauseFunc{},
	}, nil
}

// Run applies records until ctx is cancelled; then it finishes the transactions in
// hand, at most for Config.AttemptTimeout, and returns nil.
//
// It returns an error when a decision is needed: a topic is missing or denied, the
// position is out of range or was moved by another process, a topic was deleted and made
// again, or an error of the handler does not pass. Nothing was skipped then. Brokers and databases that are
// away are waited for. Run may be called once.
func (p *Projection) Run(ctx context.Context) error {
	if p.running.Swap(true) {
		return ErrRunning
	}
	running, end := p.halting(ctx)
	defer end()
	f := p.newFeed(p.config.Name, false)
	err := f.run(running)
	if ctx.Err() != nil && (err == nil || errors.Is(err, ctx.Err())) {
		return nil
	}
	if ctx.Err() == nil && running.Err() != nil {
		err = context.Cause(running)
	}
	return p.stopped(false, err)
}

// patiently does it again for as long as what it fails at passes.
func (f *feed) patiently(ctx context.Context, kind inbox.Kind, what string, do func() error) error {
	for attempts := 1; ; attempts++ {
		err := do()
		if err == nil || !passes(err) {
			return err
		}
		o := inbox.Observation{Kind: kind, Rebuild: f.shadow, Err: fmt.Errorf("projection: %s: %w", what, err)}
		if _, ok := errors.AsType[*databaseError](err); ok {
			o.Kind = inbox.KindRetrying
		}
		if !f.projection.again(ctx, attempts, o) {
			return ctx.Err()
		}
	}
}

// passes reports whether it is worth while to try again.
func passes(err error) bool {
	for _, lasting := range []error{
		ErrMoved, ErrOutOfRange, ErrTopicReplaced, ErrInflated, ErrConfig, ErrRunning, ErrSwap, ErrOutside, ErrAccess,
	} {
		if errors.Is(err, lasting) {
			return false
		}
	}
	class := inbox.Classify(err)
	return !read.IsPermanent(err) && class != inbox.ClassPermanent && class != inbox.ClassFatal
}

// idle is for how many milliseconds Postgres lets a transaction wait for us: our own
// time-out comes first, unless this process is frozen.
func (p *Projection) idle() string {
	const slack = 5 * time.Second
	return number((p.config.AttemptTimeout + slack).Milliseconds())
}

// transact runs a transaction that goes to its end when ctx is cancelled.
func (p *Projection) transact(ctx context.Context, do func(context.Context, transaction) error) error {
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), p.config.AttemptTimeout)
	defer cancel()
	return p.unit.transact(limited, func(tx transaction) error { return do(limited, tx) })
}
