// Package eventstore keeps event-sourced aggregates in Postgres: events are appended
// in the caller's transaction under an expected version, and an aggregate is loaded
// from its last snapshot and the events behind it.
//
//	store, err := eventstore.New(eventstore.Config{})
//	...
//	order, err := eventstore.Load(ctx, store, eventstore.TxFromPgx(tx), stream, apply)
//	... // decide by order.State()
//	err = order.Append(ctx, eventstore.TxFromPgx(tx), eventstore.Event{Type: "OrderPaid", Payload: paid})
//	...
//	err = tx.Commit(ctx)
//
// # The table is an outbox
//
// The table of events is one of package outbox with the column version beside, under a
// unique constraint over aggregate and version. So walpost publishes what is appended,
// in the order of the versions of an aggregate, with the header version; nothing is
// written twice. The rows must stay: prune no such outbox.
//
// # Optimistic concurrency
//
// The caller says which version its decision rests on. If the aggregate has another
// by now, nothing is appended and the error is [ErrConflict]: load again, decide again.
// Two that append at the same time meet at the constraint, where the second waits for
// the first; then its transaction must be rolled back, as after every error of
// Postgres.
//
// The package knows SQL, and transactions by their interfaces alone: it compiles with
// the standard library and package outbox. It must not know drivers, or Kafka.
package eventstore
