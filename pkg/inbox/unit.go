package inbox

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/walpost/walpost/pkg/inbox/internal/attempt"
	"github.com/walpost/walpost/pkg/inbox/internal/errtext"
	"github.com/walpost/walpost/pkg/inbox/internal/pgname"
	"github.com/walpost/walpost/pkg/inbox/internal/statements"
)

// Handler processes one event within the transaction. It must neither commit nor
// roll back, and must return when ctx ends. It is called from several goroutines,
// though never for two events of one key at a time in one process. An error rolls
// the transaction back; what it means is its [Class].
type Handler[Tx any] func(ctx context.Context, tx Tx, e *Event) error

// try is an attempt at events, with the copy of one that its handler gets.
type try struct {
	attempt.Attempt
	own Event
}

func newTry(session context.Context, timeout time.Duration) *try {
	t := &try{}
	t.Open(session, timeout, errEnded)
	return t
}

// transactor processes events in transactions, whatever their type is.
type transactor interface {
	// one processes an event in a transaction of its own: KindProcessed, KindRepeated, or KindParked
	// for an event whose key is parked, which it has noted.
	one(a *try, e *Event) (Kind, error)
	// many processes events in one transaction: all or, with an error, none.
	many(a *try, events []*Event) error
	// park notes that an event is parked, unpark that it is no more.
	park(a *try, e *Event) error
	unpark(a *try, e *Event) error
	// takeBack undoes park for an event that cannot go to its retry topic.
	takeBack(a *try, e *Event) error
	// maxConns is how many transactions there can be at once; 0 if nobody knows.
	maxConns() int
}

// errRepeat means that many met an event that had been processed before, or a key that
// is parked.
var errRepeat = errors.New("inbox: an event of the batch is a repeat, or parked")

// storeError is an error of the inbox's own part of a transaction: begin, insert.
type storeError struct {
	what string
	err  error
}

func (e *storeError) Error() string { return e.what + ": " + e.err.Error() }
func (e *storeError) Unwrap() error { return e.err }

// unit is a transactor on a DB.
type unit[Tx any] struct {
	db     DB[Tx]
	handle Handler[Tx]
	group  any // a string, as an argument of each statement
	table  string
	sql    statements.Statements
}

func (u *unit[Tx]) maxConns() int {
	if u.db.MaxConns == nil {
		return 0
	}
	return u.db.MaxConns()
}

// one inserts before it calls the handler, so that a second process with the same
// event waits for the first and then finds it done.
func (u *unit[Tx]) one(a *try, e *Event) (kind Kind, err error) {
	err = u.transact(a, func(ctx context.Context, tx Tx) (err error) {
		if kind, err = u.enter(ctx, tx, e); err != nil || kind != KindProcessed {
			return err
		}
		a.own = *e
		return u.call(ctx, tx, &a.own)
	})
	return kind, err
}

// transact runs do in a transaction, whose time begins when it has begun. A panic of the DB
// is no fault of the record: it is fatal.
func (u *unit[Tx]) transact(a *try, do func(ctx context.Context, tx Tx) error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = &attemptError{"DB: ", Fatal(&PanicError{value, debug.Stack()})}
		}
	}()
	begun, done := false, false
	err = u.db.Transact(a, func(tx Tx) error {
		begun = true
		err := do(a.Begin(), tx)
		done = err == nil
		return err
	})
	switch {
	case err == nil:
		return nil
	case !begun:
		return &attemptError{err: &storeError{"begin a transaction", err}}
	case done && Classify(err) == Unclassified:
		return &attemptError{"commit (the handler must not end the transaction, nor ignore an error of the database): ", err}
	}
	return &attemptError{err: err}
}

// insert runs a statement that inserts into the inbox table.
func (u *unit[Tx]) insert(ctx context.Context, tx Tx, query string, args ...any) (n int64, err error) {
	if n, err = u.db.Exec(ctx, tx, query, args...); err != nil {
		err = &storeError{"insert into the inbox table" + u.tableFix(err), err}
	}
	return n, err
}

// tableFix returns what mends the table, if the error is about its form.
func (u *unit[Tx]) tableFix(err error) string {
	return errtext.Table(err, "inbox.DDL prints the statements", "ALTER TABLE "+u.table+
		" ADD COLUMN event_digest bytea NOT NULL DEFAULT '', DROP CONSTRAINT "+pgname.PrimaryKey(u.table)+
		", ADD PRIMARY KEY (consumer_group, event_id, event_digest)")
}

func (u *unit[Tx]) many(a *try, events []*Event) error {
	return u.transact(a, func(ctx context.Context, tx Tx) error {
		args := []any{u.group, idsOf(events), u.sql.Idle, digestsOf(events)}
		if u.sql.Parks {
			args = append(args, events[0].Topic, hashesOf(events))
		}
		n, err := u.insert(ctx, tx, u.sql.Many, args...)
		if err != nil {
			return err
		}
		if n != int64(len(events)) {
			return errRepeat
		}
		own := make([]Event, len(events))
		for i, e := range events {
			own[i] = *e
			if err := u.call(ctx, tx, &own[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// call keeps a panic of the handler from ending the process: the next start would
// meet the same record. The handler has an Event of its own: what it sets there does not
// change by what the next attempt, the inbox table and a retry topic know the event.
func (u *unit[Tx]) call(ctx context.Context, tx Tx, own *Event) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = fmt.Errorf("inbox: handler: %w", &PanicError{value, debug.Stack()})
		}
	}()
	return u.handle(ctx, tx, own)
}
