package eventstore

import (
	"context"

	"github.com/walpost/walpost/pkg/outbox"
)

// Aggregate is the state of a stream at a version. What is appended through it is
// applied to the state, so that the two never differ. It belongs to one transaction:
// when that is rolled back, load it again. It is not safe for concurrent use.
type Aggregate[State any] struct {
	store   *Store
	stream  Stream
	apply   func(*State, Recorded) error
	state   State
	version int64
}

// Load returns an Aggregate: from the last snapshot, if there is one of
// Config.SnapshotSchema, and the events behind it. A stream without events has the zero
// State and version 0. apply changes the state by one event; its error is Load's, as it
// is.
func Load[State any](ctx context.Context, s *Store, tx Tx, stream Stream, apply func(*State, Recorded) error) (*Aggregate[State], error) {
	a := &Aggregate[State]{store: s, stream: stream, apply: apply}
	version, err := s.loadSnapshot(ctx, tx, stream, &a.state)
	if err != nil {
		return nil, err
	}
	a.version, err = s.Each(ctx, tx, stream, version, func(e Recorded) error { return apply(&a.state, e) })
	if err != nil {
		return nil, err
	}
	return a, nil
}

// State returns the state. Only Append changes it.
func (a *Aggregate[State]) State() State { return a.state }

// Version returns the version of the last event; 0 without one.
func (a *Aggregate[State]) Version() int64 { return a.version }

// Append appends events behind the aggregate's version, as [Store.Append] does, and
// applies them to the state. apply gets the payload as Config.Outbox.Codec wrote it,
// which a column of type jsonb prints with other spaces. An error of apply is returned
// as it is, after the events were written: roll back.
func (a *Aggregate[State]) Append(ctx context.Context, tx Tx, events ...Event) error {
	recorded := make([]Recorded, len(events))
	written := make([]Event, len(events))
	for i, e := range events {
		payload, err := a.store.outbox.Encode(e.Payload)
		if err != nil {
			return &outbox.EventError{Index: i, Field: "Payload", Err: err}
		}
		if e.ID == "" {
			e.ID = a.store.outbox.NewID()
		}
		e.Payload = payload
		written[i] = e
		recorded[i] = Recorded{ID: e.ID, Version: a.version + int64(i) + 1, Type: e.Type, Payload: payload}
	}
	version, err := a.store.Append(ctx, tx, a.stream, a.version, written...)
	if err != nil {
		return err
	}
	for _, e := range recorded {
		if err := a.apply(&a.state, e); err != nil {
			return err
		}
	}
	a.version = version
	return nil
}

// SaveSnapshot keeps the state at its version, in the place of an older snapshot; one
// that is newer stays.
func (a *Aggregate[State]) SaveSnapshot(ctx context.Context, tx Tx) error {
	return a.store.saveSnapshot(ctx, tx, a.stream, a.version, &a.state)
}
