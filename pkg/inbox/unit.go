package inbox

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
)

// Handler processes one event within the transaction. It must neither commit nor
// roll back, and must return when ctx ends. It is called from several goroutines,
// though never for two events of one key at a time in one process. An error rolls
// the transaction back; what it means is its [Class].
type Handler[Tx any] func(ctx context.Context, tx Tx, e *Event) error

// transactor processes events in transactions, whatever their type is.
type transactor interface {
	// one processes an event in a transaction of its own: Processed, Repeated, or Parked
	// for an event whose key is parked, which it has noted.
	one(ctx context.Context, e *Event) (Kind, error)
	// many processes events in one transaction: all or, with an error, none.
	many(ctx context.Context, events []*Event) error
	// park notes that an event is parked, unpark that it is no more.
	park(ctx context.Context, e *Event) error
	unpark(ctx context.Context, e *Event) error
	// takeBack undoes park for an event that cannot go to its retry topic.
	takeBack(ctx context.Context, e *Event) error
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

// unit is a transactor on a Store.
type unit[Tx any] struct {
	store  Store[Tx]
	handle Handler[Tx]
	group  string
	sql    statements
}

// one inserts before it calls the handler, so that a second process with the same
// event waits for the first and then finds it done.
func (u *unit[Tx]) one(ctx context.Context, e *Event) (kind Kind, err error) {
	begun := false
	err = u.store.Transact(ctx, func(tx Tx) (err error) {
		begun = true
		if kind, err = u.enter(ctx, tx, e); err != nil || kind != Processed {
			return err
		}
		return u.call(ctx, tx, e)
	})
	return kind, beginError(begun, err)
}

// insert runs a statement that inserts into the inbox table.
func (u *unit[Tx]) insert(ctx context.Context, tx Tx, query string, args ...any) (n int64, err error) {
	if n, err = u.store.Exec(ctx, tx, query, args...); err != nil {
		err = &storeError{"insert into the inbox table", err}
	}
	return n, err
}

func (u *unit[Tx]) many(ctx context.Context, events []*Event) error {
	begun := false
	err := u.store.Transact(ctx, func(tx Tx) error {
		begun = true
		args := []any{u.group, arrayOf(events), u.sql.idle}
		if u.sql.parks {
			args = append(args, events[0].Topic, hashesOf(events))
		}
		n, err := u.insert(ctx, tx, u.sql.many, args...)
		if err != nil {
			return err
		}
		if n != int64(len(events)) {
			return errRepeat
		}
		for _, e := range events {
			if err := u.call(ctx, tx, e); err != nil {
				return err
			}
		}
		return nil
	})
	return beginError(begun, err)
}

func beginError(begun bool, err error) error {
	if err != nil && !begun {
		return &storeError{"begin a transaction", err}
	}
	return err
}

// call keeps a panic of the handler from ending the process: the next start would
// meet the same record.
func (u *unit[Tx]) call(ctx context.Context, tx Tx, e *Event) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = fmt.Errorf("inbox: handler: %w", &PanicError{value, debug.Stack()})
		}
	}()
	return u.handle(ctx, tx, e)
}
