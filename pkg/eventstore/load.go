package eventstore

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
)

// Recorded is an event of a stream.
type Recorded struct {
	ID      string
	Version int64
	Type    string
	Payload []byte // as Postgres prints it; nil is NULL
}

// ErrGap means that a version is missing: events were deleted.
var ErrGap = errors.New("eventstore: a version is missing")

// errNone means that a query gave no row.
var errNone = errors.New("eventstore: no row")

// Each calls do for the events of a stream after a version, in order, and returns the
// version of the last; after without one. It reads as it goes: do must not use the
// transaction.
func (s *Store) Each(ctx context.Context, tx Tx, stream Stream, after int64, do func(Recorded) error) (last int64, err error) {
	rows, err := tx.query(ctx, s.sql.events, stream.Type, stream.ID, strconv.FormatInt(after, 10))
	if err != nil {
		return after, fmt.Errorf("eventstore: read %v: %w", stream, err)
	}
	defer func() { _ = rows.Close() }() // Err has told
	for last = after; rows.Next(); last++ {
		var e Recorded
		if err := rows.Scan(&e.ID, &e.Version, &e.Type, &e.Payload); err != nil {
			return last, fmt.Errorf("eventstore: read %v: %w", stream, err)
		}
		if e.Version != last+1 {
			return last, fmt.Errorf("%w: %v has %d after %d", ErrGap, stream, e.Version, last)
		}
		if err := do(e); err != nil {
			return last, err
		}
	}
	if err := rows.Err(); err != nil {
		return last, fmt.Errorf("eventstore: read %v: %w", stream, err)
	}
	return last, nil
}

func (s *Store) loadSnapshot(ctx context.Context, tx Tx, stream Stream, state any) (version int64, err error) {
	var data []byte
	err = one(ctx, tx, []any{&version, &data}, s.sql.snapshot, stream.Type, stream.ID,
		strconv.FormatInt(int64(s.config.SnapshotSchema), 10))
	if errors.Is(err, errNone) {
		return 0, nil
	}
	if err == nil {
		err = s.config.Decode(data, state)
	}
	if err != nil {
		return 0, fmt.Errorf("eventstore: snapshot of %v: %w", stream, err)
	}
	return version, nil
}

// saveSnapshot keeps the state of a stream at a version, in the place of an older
// one; one that is newer stays.
func (s *Store) saveSnapshot(ctx context.Context, tx Tx, stream Stream, version int64, state any) error {
	data, err := s.config.Outbox.Codec(state)
	if err != nil {
		return fmt.Errorf("eventstore: snapshot of %v: %w", stream, err)
	}
	_, err = tx.ExecContext(ctx, s.sql.saveSnapshot, stream.Type, stream.ID, strconv.FormatInt(version, 10),
		strconv.FormatInt(int64(s.config.SnapshotSchema), 10), hex.EncodeToString(data))
	if err != nil {
		return fmt.Errorf("eventstore: snapshot of %v: %w", stream, err)
	}
	return nil
}

// one reads the only row of a query.
func one(ctx context.Context, tx Tx, into []any, query string, args ...any) error {
	rows, err := tx.query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // Err has told
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return err
		}
		return errNone
	}
	if err := rows.Scan(into...); err != nil {
		return err
	}
	for rows.Next() { // to the end, so that the connection is free
	}
	return rows.Err()
}
