package inbox

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// enter inserts the event into the inbox table, and says whether the handler is to be
// called (Processed). An event whose key is parked is noted as parked instead.
//
// The table of parked records has a row for each that is on its way to a retry topic
// or there. A row is committed before anything of it is sent, and before any later
// record of the key is looked at; it goes with the transaction that processes the
// record. So without a row all earlier records of the key are done.
func (u *unit[Tx]) enter(ctx context.Context, tx Tx, e *Event) (Kind, error) {
	plain := func() (Kind, error) {
		n, err := u.insert(ctx, tx, u.sql.one, u.group, e.ID, u.sql.idle)
		if n == 0 {
			return Repeated, err
		}
		return Processed, err
	}
	if e.parked { // its turn has come
		if err := u.note(ctx, tx, u.sql.unpark, e); err != nil {
			return 0, err
		}
		return plain()
	}
	if !u.sql.parks || e.Key == nil {
		return plain()
	}
	n, err := u.insert(ctx, tx, u.sql.oneUnlessParked, u.group, e.ID, u.sql.idle, e.Topic, hashOf(e))
	if err != nil || n > 0 {
		return Processed, err
	}
	n, err = u.store.Exec(ctx, tx, u.sql.parkBehind, u.group, e.Topic, hashOf(e), e.ID)
	switch {
	case err != nil:
		return 0, &storeError{"insert into the table of parked records", err}
	case n > 0:
		return Parked, nil
	}
	return plain() // a repeat, or the last that was parked has been processed meanwhile
}

// note runs a statement on the table of parked records. A record without a key holds
// up no other, and has no row.
func (u *unit[Tx]) note(ctx context.Context, tx Tx, query string, e *Event) error {
	if e.Key == nil {
		return nil
	}
	if _, err := u.store.Exec(ctx, tx, query, u.group, e.Topic, hashOf(e), e.ID); err != nil {
		return &storeError{"change the table of parked records", err}
	}
	return nil
}

func (u *unit[Tx]) park(ctx context.Context, e *Event) error { return u.noteAlone(ctx, u.sql.park, e) }

func (u *unit[Tx]) unpark(ctx context.Context, e *Event) error {
	if !e.parked || e.ID == "" {
		return nil
	}
	return u.noteAlone(ctx, u.sql.unpark, e)
}

// takeBack undoes park for an event that cannot go to its retry topic.
func (u *unit[Tx]) takeBack(ctx context.Context, e *Event) error {
	return u.noteAlone(ctx, u.sql.unpark, e)
}

// noteAlone is note in a transaction of its own.
func (u *unit[Tx]) noteAlone(ctx context.Context, query string, e *Event) error {
	begun := false
	err := u.store.Transact(ctx, func(tx Tx) error {
		begun = true
		return u.note(ctx, tx, query, e)
	})
	return beginError(begun, err)
}

// hashOf returns how the key stands in the table: an index entry has no room for every
// key.
func hashOf(e *Event) string {
	sum := sha256.Sum256(e.Key)
	return hex.EncodeToString(sum[:])
}

// hashesOf is the text of an array of bytea.
func hashesOf(events []*Event) string {
	var all []string
	for _, e := range events {
		if e.Key != nil {
			all = append(all, `"\\x`+hashOf(e)+`"`)
		}
	}
	return "{" + strings.Join(all, ",") + "}"
}
