// Package outbox writes events into a transactional outbox: rows in a Postgres
// table, inserted in the transaction that changes the data, from where walpost
// (or Debezium) publishes them to Kafka. The event is there if, and only if, the
// transaction commits.
//
//	tx, err := db.BeginTx(ctx, nil) // database/sql
//	...
//	err = outbox.Write(ctx, tx, outbox.Event{
//		AggregateType: "order",      // topic outbox.event.order
//		AggregateID:   order.ID,     // key: events of one order stay in order
//		Type:          "OrderPlaced",
//		Payload:       order,        // JSON
//	})
//	...
//	err = tx.Commit()
//
// With pgx the transaction is wrapped: outbox.Write(ctx, outbox.TxFromPgx(tx), event).
// Any number of events is one statement and one round trip.
//
// [Write], [Emit] and [DDL] use the table of Debezium's documentation,
// which is also walpost's default. [New] takes a [Config] for everything else:
// another table, other columns, headers, trace context, a codec, partitions.
//
// # Why TxFromPgx is an adapter, and *sql.Tx is not
//
// The package imports the standard library alone, and a test keeps it so: who
// uses database/sql does not get pgx into the build, nor Kafka, nor a logger. So
// [Tx] has the methods of *sql.Tx as they are. The Exec of pgx returns a type of pgx,
// which an interface here cannot name; [TxFromPgx] leaves that type to inference, and the
// compiler still refuses whatever is no transaction. Writing it out at the call is the
// price of one Write for both, instead of a second package or an argument of type any.
//
// # Delivery
//
// The relay publishes at least once. Each event has an id, the record's `id`
// header, by which a consumer knows a repeat. Whether a transaction whose COMMIT
// failed with a broken connection or a cancelled context has committed is known
// to the server alone; its events are as its data, there or not there.
//
// The package knows SQL and the rules of Kafka's topic names. It must not know
// drivers, Kafka's protocol or walpost's own packages.
package outbox

import (
	"context"
	"sync"
)

// defaultWriter is the Writer of [Write] and [Emit], made once, so that ids rise over
// all their calls.
var defaultWriter = sync.OnceValues(func() (*Writer, error) { return New(Config{}) }) //nolint:gochecknoglobals // made once, never changed

// Write inserts events into public.outbox, as the zero [Config] has it. See
// [Writer.Write].
func Write(ctx context.Context, tx Tx, events ...Event) error {
	w, err := defaultWriter()
	if err != nil {
		return err
	}
	return w.Write(ctx, tx, events...)
}
