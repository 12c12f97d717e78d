package outbox

import (
	"context"
	"fmt"

	"github.com/walpost/walpost/pkg/outbox/internal/pgname"
)

// Writer writes events into one table. It is safe for concurrent use. Two with the same
// configuration work side by side; one kept for the life of the process gives ids
// that rise strictly over all its calls.
type Writer struct {
	config  Config
	table   pgname.Table
	columns []column
	topic   []topicPart
	payload payloadKind
	sql     statements
	ids     ids
}

// New returns a Writer for a configuration. It connects to no database. The error is a
// [*ConfigError].
func New(config Config) (*Writer, error) {
	w := &Writer{config: config.withDefaults()}
	table, err := pgname.ParseTable(w.config.Table)
	if err != nil {
		return nil, badConfig("Table", "%q: %v", w.config.Table, err)
	}
	w.table = table
	if w.columns, err = columnsOf(&w.config); err != nil {
		return nil, err
	}
	if w.topic, err = parseTopic(w.config.Topic, w.columnIndex); err != nil {
		return nil, badConfig("Topic", "%q %v", w.config.Topic, err)
	}
	if err := w.checkConfig(); err != nil {
		return nil, err
	}
	w.payload = kindOf(w.columns[indexPayload].cast)
	w.sql = statementsOf(w.table, w.columns)
	return w, nil
}

// Config returns the configuration, with what was empty filled in.
func (w *Writer) Config() Config { return w.config.withDefaults() }

func (w *Writer) checkConfig() error {
	c := &w.config
	switch {
	case c.MaxBytes < 0:
		return badConfig("MaxBytes", "%d: want a size, or 0 for %d", c.MaxBytes, defaultMaxBytes)
	case !validText(c.MessagePrefix):
		return badConfig("MessagePrefix", "want UTF-8 without NUL")
	case c.Partitioned && len(w.table.Name) > pgname.MaxLength-len(partitionSuffix):
		return badConfig("Table", "%q: want at most %d bytes for a partitioned table, whose partitions are called like it with %s added",
			w.table.Name, pgname.MaxLength-len(partitionSuffix), partitionSuffix)
	case c.TraceContext == nil && (c.Columns.Traceparent != "" || c.Columns.Tracestate != ""):
		return badConfig("TraceContext", "it fills Columns.Traceparent and Tracestate, and is nil")
	}
	return nil
}

// Write inserts events in the caller's transaction, in one statement and in this
// order. Every event is checked before the database is touched: when one is wrong,
// which is an [*EventError], none is written. Any other error is the database's,
// and as ever with Postgres the transaction must then be rolled back.
//
// Write neither commits nor rolls back. The ids that it makes rise within a call
// and from call to call of one Writer. The relay publishes the events of one
// transaction in the order of the calls.
//
// Events of more than 64 MiB together take several statements.
func (w *Writer) Write(ctx context.Context, tx Tx, events ...Event) error {
	rows, err := w.rows(ctx, events)
	if err != nil {
		return err
	}
	for len(rows) > 0 {
		n := chunk(rows)
		if err := w.insert(ctx, tx, rows[:n]); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

func (w *Writer) insert(ctx context.Context, tx Tx, rows []row) error {
	query, args := w.sql.insertMany, arrays(rows)
	if len(rows) == 1 {
		query, args = w.sql.insertOne, scalars(rows[0])
	}
	if err := exec(ctx, tx, len(rows), query, args...); err != nil {
		return fmt.Errorf("outbox: insert into %s: %w", w.table.Quoted(), err)
	}
	if !w.config.DeleteAfterWrite {
		return nil
	}
	if err := exec(ctx, tx, len(rows), w.sql.deleteIDs, array(rows, indexID)); err != nil {
		return fmt.Errorf("outbox: delete from %s after the insert: %w", w.table.Quoted(), err)
	}
	return nil
}

// exec runs a statement that must affect so many rows: a rule or a trigger that
// swallows an event must not go unseen.
func exec(ctx context.Context, tx Tx, want int, query string, args ...any) error {
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
