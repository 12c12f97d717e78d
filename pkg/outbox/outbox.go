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
// With pgx the transaction is wrapped: outbox.Write(ctx, outbox.Pgx(tx), event).
// Any number of events is one statement and one round trip.
//
// [Write], [Emit], [Prune] and [DDL] use the table of Debezium's documentation,
// which is also walpost's default. [New] takes a [Config] for everything else:
// another table, other columns, headers, trace context, a codec, partitions.
//
// # Why Pgx is an adapter, and *sql.Tx is not
//
// The package imports the standard library alone, and a test keeps it so: who
// uses database/sql does not get pgx into the build, nor Kafka, nor a logger. So
// [Execer] is the method of database/sql as it is, which *sql.Tx, sqlx, bun and
// GORM's ConnPool have. The Exec of pgx returns a type of pgx, which an interface
// here cannot name; [Pgx] leaves that type to inference, and the compiler still
// refuses whatever is no transaction. Writing it out at the call is the price of
// one Write for both, instead of a second package or an argument of type any.
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
	"fmt"

	"github.com/walpost/walpost/internal/pgname"
)

// Outbox writes into one table. It is safe for concurrent use. Two with the same
// configuration work side by side; one kept for the life of the process gives ids
// that rise strictly over all its calls.
type Outbox struct {
	config  Config
	table   pgname.Table
	columns []column
	topic   []topicPart
	payload payloadKind
	sql     statements
	ids     ids
}

// New checks a configuration and makes an Outbox of it. It touches no database.
func New(config Config) (*Outbox, error) {
	o := &Outbox{config: config.withDefaults()}
	table, err := pgname.ParseTable(o.config.Table)
	if err != nil {
		return nil, badConfig("Table %q: %v", o.config.Table, err)
	}
	o.table = table
	if o.columns, err = columnsOf(&o.config); err != nil {
		return nil, err
	}
	if o.topic, err = parseTopic(o.config.Topic, o.columnIndex); err != nil {
		return nil, badConfig("Topic %q %v", o.config.Topic, err)
	}
	if err := o.checkConfig(); err != nil {
		return nil, err
	}
	o.payload = kindOf(o.columns[indexPayload].cast)
	o.sql = statementsOf(o.table, o.columns)
	return o, nil
}

func (o *Outbox) checkConfig() error {
	c := &o.config
	switch {
	case c.MaxBytes < 0:
		return badConfig("MaxBytes %d: want a size, or 0 for %d", c.MaxBytes, defaultMaxBytes)
	case !validText(c.MessagePrefix):
		return badConfig("MessagePrefix: want UTF-8 without NUL")
	case c.Partitioned && len(o.table.Name) > pgname.MaxLength-len(partitionSuffix):
		return badConfig("Table %q: want at most %d bytes for a partitioned table, whose partitions are called like it with %s added",
			o.table.Name, pgname.MaxLength-len(partitionSuffix), partitionSuffix)
	case c.TraceContext == nil && (c.Columns.Traceparent != "" || c.Columns.Tracestate != ""):
		return badConfig("Columns.Traceparent and Tracestate want TraceContext, which fills them")
	}
	return nil
}

// Write inserts events into public.outbox, as the zero [Config] has it. See
// [Outbox.Write].
func Write(ctx context.Context, tx Execer, events ...Event) error {
	o, err := New(Config{})
	if err != nil {
		return err
	}
	return o.Write(ctx, tx, events...)
}

// Write inserts events in the caller's transaction, in one statement and in this
// order. Every event is checked before the database is touched: when one is wrong,
// which is an [*EventError], none is written. Any other error is the database's,
// and as ever with Postgres the transaction must then be rolled back.
//
// Write neither commits nor rolls back. The ids that it makes rise within a call
// and from call to call of one Outbox. The relay publishes the events of one
// transaction in the order of the calls.
//
// Events of more than 64 MiB together take several statements.
func (o *Outbox) Write(ctx context.Context, tx Execer, events ...Event) error {
	rows, err := o.rows(ctx, events)
	if err != nil {
		return err
	}
	for len(rows) > 0 {
		n := chunk(rows)
		if err := o.insert(ctx, tx, rows[:n]); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

func (o *Outbox) insert(ctx context.Context, tx Execer, rows []row) error {
	query, args := o.sql.insertMany, arrays(rows)
	if len(rows) == 1 {
		query, args = o.sql.insertOne, scalars(rows[0])
	}
	if err := exec(ctx, tx, len(rows), query, args...); err != nil {
		return fmt.Errorf("outbox: insert into %s: %w", o.table.Quoted(), err)
	}
	if !o.config.DeleteAfterWrite {
		return nil
	}
	if err := exec(ctx, tx, len(rows), o.sql.deleteIDs, array(rows, indexID)); err != nil {
		return fmt.Errorf("outbox: delete from %s after the insert: %w", o.table.Quoted(), err)
	}
	return nil
}

// exec runs a statement that must affect so many rows: a rule or a trigger that
// swallows an event must not go unseen.
func exec(ctx context.Context, tx Execer, want int, query string, args ...any) error {
	result, err := tx.ExecContext(ctx, query, args...)
	if err != nil {
		return err
	}
	got, err := result.RowsAffected()
	if err != nil {
		return err
	}
	if got != int64(want) {
		return fmt.Errorf("%d rows instead of %d: is there a rule or trigger on the table?", got, want)
	}
	return nil
}
