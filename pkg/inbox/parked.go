package inbox

import (
	"context"

	"github.com/walpost/walpost/pkg/inbox/internal/digest"
	"github.com/walpost/walpost/pkg/inbox/internal/errtext"
)

// enter inserts the event into the inbox table, and says whether the handler is to be
// called (KindProcessed). An event whose key is parked is noted as parked instead.
//
// The table of parked records has a row for each that is on its way to a retry topic
// or there. A row is committed before anything of it is sent, and before any later
// record of the key is looked at; it goes with the transaction that processes the
// record. So without a row all earlier records of the key are done.
func (u *unit[Tx]) enter(ctx context.Context, tx Tx, e *Event) (Kind, error) {
	plain := func() (Kind, error) {
		n, err := u.insert(ctx, tx, u.sql.One, u.group, e.ID, u.sql.Idle, digestOf(e))
		if n == 0 {
			return KindRepeated, err
		}
		return KindProcessed, err
	}
	if e.parked { // its turn has come
		if err := u.remove(ctx, tx, e); err != nil {
			return 0, err
		}
		return plain()
	}
	if !u.sql.Parks || e.Key == nil {
		return plain()
	}
	n, err := u.insert(ctx, tx, u.sql.OneUnlessParked, u.group, e.ID, u.sql.Idle, digestOf(e), e.Topic, digest.Key(e.Key))
	if err != nil || n > 0 {
		return KindProcessed, err
	}
	n, err = u.db.Exec(ctx, tx, u.sql.ParkBehind, u.group, e.Topic, digest.Key(e.Key), parkedID(e))
	switch {
	case err != nil:
		return 0, &storeError{"insert into the table of parked records", err}
	case n > 0:
		return KindParked, nil
	}
	return plain() // a repeat, or the last that was parked has been processed meanwhile
}

// parkedID is an event in the table of parked records: an id may come for two events.
func parkedID(e *Event) string { return e.ID + " " + digestOf(e) }

// add notes in the table of parked records that an event is on its way to its retry
// topic. A record without a key holds up no other, and has no row.
func (u *unit[Tx]) add(ctx context.Context, tx Tx, e *Event) error {
	return u.change(ctx, tx, e, u.sql.Park, parkedID(e))
}

// remove takes an event out of the table, also by its id alone, as a version before wrote
// it.
func (u *unit[Tx]) remove(ctx context.Context, tx Tx, e *Event) error {
	return u.change(ctx, tx, e, u.sql.Unpark, parkedID(e), e.ID)
}

func (u *unit[Tx]) change(ctx context.Context, tx Tx, e *Event, query string, ids ...any) error {
	if e.Key == nil {
		return nil
	}
	if _, err := u.db.Exec(ctx, tx, query, append([]any{u.group, e.Topic, digest.Key(e.Key)}, ids...)...); err != nil {
		return &storeError{"change the table of parked records", err}
	}
	return nil
}

func (u *unit[Tx]) park(a *try, e *Event) error {
	return u.transact(a, func(ctx context.Context, tx Tx) error { return u.add(ctx, tx, e) })
}

func (u *unit[Tx]) unpark(a *try, e *Event) error {
	if !e.parked {
		return nil
	}
	if err := u.takeBack(a, e); errtext.Class(err) != untranslatable { // else it never was in the table
		return err
	}
	return nil
}

// takeBack undoes park for an event that cannot go to its retry topic.
func (u *unit[Tx]) takeBack(a *try, e *Event) error {
	return u.transact(a, func(ctx context.Context, tx Tx) error { return u.remove(ctx, tx, e) })
}
