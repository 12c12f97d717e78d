package transaction

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/IBM/sarama"
	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/backoff"
	"github.com/walpost/walpost/internal/crash"
	"github.com/walpost/walpost/internal/lograte"
)

// Work is the content of one transaction. Its methods may be called while others send its
// batches.
type Work interface {
	// Look returns partitions to add before their batches can be sent, or that all of it is
	// acknowledged, or a *StateError with the reason to give the transaction up. doubt means
	// that a batch had no answer at first.
	Look() (add []Partition, finished, doubt bool, err error)
	// Added lets batches be sent to partitions, with this producer id and epoch.
	Added(partitions []Partition, id int64, epoch int16)
	// Refused says what Kafka says of partitions that it does not add.
	Refused(partitions map[Partition]sarama.KError)
	// Settle lets no batch be sent any more, and waits for those that are under way.
	Settle(ctx context.Context) error
	// PutBack makes all of it wait again: the transaction was aborted.
	PutBack()
	// Position returns the value of its position record.
	Position() []byte
	// Changed is signalled when Look may have something new.
	Changed() <-chan struct{}
}

// Writer writes one transaction after the other:
//
//	AddPartitionsToTxn ─▶ batches are sent ─▶ EndTxn ─▶ committed
//	        ▲                  │ the state is another, or it takes too long
//	        └─ batches back ◀── InitProducerId, read the position
//
// The position decides what became of a transaction: it stands in the transaction.
type Writer struct {
	Client  *Client
	Timeout time.Duration // the transaction's
	// Newest returns the value of the newest position record. It is called after the answer
	// to InitProducerId, when each transaction of this producer is decided.
	Newest func(ctx context.Context) ([]byte, error)
	Log    *zap.Logger

	lines lograte.Lines
	last  []byte // value of the newest position that this Writer knows
	tried []byte // and of the transaction that it has tried last

	mu       sync.Mutex
	progress Progress
}

// Resume says which position is the newest before the first transaction.
func (w *Writer) Resume(value []byte) { w.last = value }

// Write writes one transaction, and reports whether it was committed: false means that all
// of it waits again, and may be written later.
func (w *Writer) Write(ctx context.Context, work Work) (committed bool, err error) {
	committed, err = w.write(ctx, work)
	if err != nil {
		w.stops()
	}
	return committed, err
}

func (w *Writer) write(ctx context.Context, work Work) (committed bool, err error) {
	w.tried = work.Position()
	if w.Client.InDoubt() {
		if err := w.Client.Begin(ctx); err != nil {
			return false, err
		}
	}
	opened, err := w.send(ctx, work)
	if err == nil && !opened {
		w.stops()
		return false, nil
	}
	if err == nil {
		crash.At(crash.BeforeCommit)
		err = w.Client.Commit(ctx)
	}
	if err == nil {
		crash.At(crash.Committed)
		w.last = work.Position()
		w.commits()
		return true, nil
	}
	if _, ok := errors.AsType[*StateError](err); !ok {
		return false, err
	}
	return w.recover(ctx, work, err)
}

var (
	errRefusedPartition = errors.New("a partition is refused")
	errOverdue          = errors.New("not every partition has acknowledged its records in time")
)

// ErrForeignPosition is the newest position where it is neither the one before the
// transaction nor its own.
var ErrForeignPosition = errors.New("somebody else has written the position of this slot")

// send opens the transaction and waits until all of it is acknowledged. It reports false
// when Kafka refuses a partition of the first request: then no transaction is open.
func (w *Writer) send(ctx context.Context, work Work) (opened bool, err error) {
	overdue := time.NewTimer(w.Timeout * 2 / 3) //nolint:mnd // before the coordinator ends it
	defer overdue.Stop()
	for {
		add, finished, doubt, err := work.Look()
		if doubt {
			w.Client.Doubt()
		}
		if err != nil || finished {
			return true, err
		}
		if len(add) > 0 {
			if ok, err := w.add(ctx, work, add); err != nil || !ok && !opened {
				return opened, err
			} else if !ok {
				return true, &StateError{"add partitions to the transaction", errRefusedPartition}
			}
			opened = true
			continue
		}
		select {
		case <-ctx.Done():
			return opened, context.Cause(ctx)
		case <-overdue.C:
			return opened, &StateError{"write a transaction", errOverdue}
		case <-work.Changed():
		}
	}
}

// add adds partitions, and reports whether Kafka did.
func (w *Writer) add(ctx context.Context, work Work, partitions []Partition) (bool, error) {
	crash.At(crash.BeforeAdd)
	w.opens()
	refused, err := w.Client.Add(ctx, partitions)
	if err != nil {
		return false, err
	}
	if len(refused) > 0 {
		work.Refused(refused)
		return false, nil
	}
	crash.At(crash.Added)
	id, epoch := w.Client.Epoch()
	work.Added(partitions, id, epoch)
	return true, nil
}

// recover begins a new epoch, which ends the transaction, and finds out by the position
// whether it was committed.
func (w *Writer) recover(ctx context.Context, work Work, cause error) (committed bool, err error) {
	if w.lines.Allow("given up") {
		w.Log.Info("a Kafka transaction is given up and decided anew", zap.Error(cause))
	}
	if err := work.Settle(ctx); err != nil {
		return false, err
	}
	if err := w.Client.Begin(ctx); err != nil {
		return false, err
	}
	value, err := w.newest(ctx)
	switch {
	case err != nil:
		return false, err
	case bytes.Equal(value, work.Position()):
		w.last = value
		w.commits()
		return true, nil
	case !bytes.Equal(value, w.last): // another producer, which has fenced this one since
		return false, cmp.Or(w.Client.Begin(ctx), ErrForeignPosition)
	}
	work.PutBack()
	w.aborts(cause)
	return false, nil
}

// Successor returns the newest position after this Writer was fenced, if another producer
// has written it. The last transaction of this one may be committed without its knowledge.
func (w *Writer) Successor(ctx context.Context) []byte {
	value, _ := w.Newest(ctx) // with an error it is the one in an open transaction
	if bytes.Equal(value, w.last) || bytes.Equal(value, w.tried) {
		return nil
	}
	return value
}

// newest reads the position, for as long as that takes.
func (w *Writer) newest(ctx context.Context) ([]byte, error) {
	for attempt := 1; ; attempt++ {
		value, err := w.Newest(ctx)
		if err == nil || ctx.Err() != nil {
			return value, err
		}
		if w.lines.Allow("position") {
			w.Log.Warn("the position cannot be read, records wait", zap.Error(err))
		}
		if err := backoff.Sleep(ctx, waitBusy.Pause(attempt)); err != nil {
			return nil, err
		}
	}
}
