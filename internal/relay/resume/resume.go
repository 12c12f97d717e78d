// Package resume finds where a relay with delivery.guarantee: exactly_once continues: it
// fences the relay before it, reads the position in Kafka, and compares it with the slot.
//
// It knows positions, and the producer's fence. It must not know the stream, rows, or
// flags.
package resume

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"
	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/backoff"
	"github.com/walpost/walpost/internal/crash"
	"github.com/walpost/walpost/internal/kafka"
	"github.com/walpost/walpost/internal/lograte"
	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/position"
	"github.com/walpost/walpost/internal/position/transactions"
	"github.com/walpost/walpost/internal/producer"
	"github.com/walpost/walpost/internal/producer/transaction"
	"github.com/walpost/walpost/internal/record"
	"github.com/walpost/walpost/internal/status"
)

// Options are delivery.guarantee: exactly_once of one relay.
type Options struct {
	Kafka   kafka.Options
	Log     position.Log
	Timeout time.Duration // of a Kafka transaction
	Source  string        // the table, or the prefix of messages
	Host    string        // of this process, for whoever it fences
	// Create creates the topic of positions where it is missing; nil: an operator does.
	Create func(ctx context.Context) error
	Hints  status.Hints
}

// Resumer finds where the events in Kafka end, before this process reads its first.
type Resumer struct {
	opts    Options
	log     *zap.Logger
	slot    atomic.Pointer[position.Slot] // that positions are of
	found   atomic.Pointer[record.Position]
	created atomic.Bool
	lines   lograte.Line // of whichever goroutine has the producer's Client
	doubted misfit       // of Find

	transactions *producer.Transactions
}

// New returns a Resumer. Nothing is contacted until Find.
func New(opts Options, log *zap.Logger) *Resumer {
	r := &Resumer{opts: opts, log: log}
	r.transactions = transactions.New(transactions.Options{
		Kafka: opts.Kafka, Positions: opts.Log, Timeout: opts.Timeout, Waiting: r.waiting, Log: log,
		Of: func() position.Position { return r.slot.Load().First(opts.Host) },
	})
	return r
}

// Created notes that this process has made the slot: nothing of it was published.
func (r *Resumer) Created() { r.created.Store(true) }

// Connected notes which slot, server and timeline positions are of from now on.
func (r *Resumer) Connected(slot position.Slot) {
	slot.Source = r.opts.Source
	r.slot.Store(&slot)
}

// Found returns the last event that is in Kafka, nil before Find has found it.
func (r *Resumer) Found() *record.Position { return r.found.Load() }

// Explains reports whether it is known, or Find will find out, what became of the events up
// to an LSN that another relay has confirmed: written returns up to where they are in Kafka.
// nil does not know.
func (r *Resumer) Explains(lsn pgoutput.LSN, written func() pgoutput.LSN) bool {
	return r != nil && (r.Found() == nil || lsn <= written())
}

// Transactions returns the options by which the producer writes positions.
func (r *Resumer) Transactions() *producer.Transactions { return r.transactions }

// Report returns what is said of the Kafka transactions of this process; since when events
// wait for the commit of the first transaction that had them, zero for none; and why the
// last one was aborted.
func (r *Resumer) Report(now time.Time) (report *status.Transactions, waiting time.Time, aborted string) {
	p := r.transactions.Progress()
	report = &status.Transactions{ID: r.opts.Log.ID, Committed: p.Committed, Aborted: p.Aborted}
	if !p.Open.IsZero() {
		report.OpenSeconds = max(0, now.Sub(p.Open).Seconds())
	}
	if p.Cause != nil {
		aborted = "the last was aborted: " + p.Cause.Error()
	}
	return report, p.Waiting, aborted
}

// waiting logs what keeps transactions, at once and then rarely. Kafka may be reachable all
// the same: it is the coordinator that does not answer.
func (r *Resumer) waiting(err error) {
	if r.lines.Allow() {
		r.log.Warn("Kafka does not serve transactions, records wait", zap.Error(err))
	}
}

func (r *Resumer) newest(ctx context.Context) ([]byte, error) {
	return r.opts.Log.Newest(ctx, r.opts.Kafka)
}

// Find fences the relay before this one, and finds where to continue. Call it while the
// stream runs and reads nothing: then no other relay has the slot. A *status.Halt says
// what a person must decide.
func (r *Resumer) Find(ctx context.Context, p *producer.Producer) error {
	if r.Found() != nil {
		return nil
	}
	if err := p.Fence(ctx); err != nil {
		return refused(err)
	}
	crash.At(crash.Fenced)
	value, err := r.read(ctx)
	if err != nil {
		return err
	}
	slot := r.slot.Load()
	var at position.Position
	if len(value) == 0 && r.created.Load() {
		at = slot.First(r.opts.Host)
	} else if at, err = slot.Judge(ctx, value); err != nil {
		return r.unfit(misfit{value, slot}, err)
	}
	r.log.Info("continuing after the position in Kafka", zap.Stringer("commit_lsn", at.Event.CommitLSN),
		zap.Uint32("ordinal", at.Event.Ordinal), zap.Stringer("complete_lsn", at.Complete), zap.String("written_by", at.Host))
	p.Resume(value, at.Event, at.Complete)
	r.found.Store(&at.Event)
	return nil
}

// maxReads is how often the position is tried to be read before the stream ends, and the
// next one tries.
const maxReads = 10

// read reads the position, for as long as Kafka is not well.
func (r *Resumer) read(ctx context.Context) ([]byte, error) {
	pause := backoff.Exponential{Min: 100 * time.Millisecond, Max: 5 * time.Second, Jitter: backoff.Around}
	for attempt := 1; ; attempt++ {
		value, err := r.newest(ctx)
		if err == nil || ctx.Err() != nil {
			return value, err
		}
		if _, open := errors.AsType[*position.OpenError](err); open {
			return nil, Fenced(err, value)
		}
		if denied, ok := errors.AsType[*position.DeniedError](err); ok {
			return nil, &status.Halt{
				Code: status.ExitRequirement, Reason: "Kafka denies the topic of positions",
				Detail: denied.Principal + " may not read " + denied.Topic, Hint: denied.Hint,
			}
		}
		if errors.Is(err, sarama.ErrUnknownTopicOrPartition) {
			if err := r.createTopic(ctx); err != nil {
				return nil, err
			}
		}
		if r.log.Warn("the position cannot be read, trying again", zap.Error(err)); attempt == maxReads {
			return nil, fmt.Errorf("read the position: %w", err)
		}
		if err := backoff.Sleep(ctx, pause.Pause(attempt)); err != nil {
			return nil, err
		}
	}
}

// createTopic creates the topic of positions, where that is allowed.
func (r *Resumer) createTopic(ctx context.Context) error {
	if r.opts.Create != nil {
		return r.opts.Create(ctx)
	}
	return &status.Halt{
		Code: status.ExitRequirement, Reason: "the topic of positions does not exist", Detail: r.opts.Log.Topic,
		Hint: "`walpost init -c " + r.opts.Hints.File + "` creates it, or set kafka.topics.create",
	}
}

// misfit is a position that does not fit what was seen of the server.
type misfit struct {
	value []byte
	slot  *position.Slot
}

// unfit returns what becomes of a misfit. The server was seen before the position was read:
// a relay that was frozen in between finds the position of another one, which is newer than
// what it knows. So the stream ends, and only what does not fit at the next one either is a
// halt.
func (r *Resumer) unfit(now misfit, err error) error {
	e, ok := errors.AsType[*position.MisfitError](err)
	if !ok {
		return err
	}
	before := r.doubted
	r.doubted = now
	if before.slot == nil || before.slot == now.slot || !bytes.Equal(before.value, now.value) {
		return fmt.Errorf("%w; the server is asked once more", err)
	}
	hint := r.opts.Hints.Position()
	if e.SetTo > 0 {
		hint = r.opts.Hints.SetPosition(e.SetTo.String()) + " lets the relay continue there with what the server has"
	}
	return &status.Halt{Code: status.ExitHalted, Reason: e.Reason, Detail: e.Detail, Hint: hint}
}

// refused is the halt for what Kafka refuses before the first transaction.
func refused(err error) error {
	if _, fenced := errors.AsType[*transaction.FencedError](err); fenced { // since an earlier attempt of this process
		return Fenced(err, nil)
	}
	if e, ok := errors.AsType[*transaction.RefusedError](err); ok {
		return &status.Halt{Code: status.ExitRequirement, Reason: "Kafka refuses transactions", Detail: e.Error(), Hint: e.Hint}
	}
	return err
}

// Fenced is the end of a relay that was fenced. A position that is not its own shows that
// another has taken over. Without one it may have been a late request of a relay that is
// dead: exit code 1 lets a service manager start this one again, which then has the slot,
// or stands by.
func Fenced(cause error, newest []byte) *status.Halt {
	if len(newest) == 0 {
		return &status.Halt{
			Code: status.ExitUnexpected, Reason: "another relay may have taken over, or a request of a former one was late",
			Detail: cause.Error(),
			Hint:   "nothing is lost: start walpost again. If another relay has the slot, it then waits for that one to end",
		}
	}
	h := &status.Halt{
		Code: status.ExitFenced, Reason: "another relay has taken over",
		Hint: "nothing is lost: let one of them run, or give each slot its own delivery.transactional_id",
	}
	if host := position.HostOf(newest); host != "" {
		h.Detail = "it runs on host " + host
	}
	return h
}
