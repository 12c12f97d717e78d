package outbox_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/walpost/walpost/pkg/outbox"
)

// order is the example's data.
type order struct {
	ID    string  `json:"id"`
	Total float64 `json:"total"`
}

// An order and its event, in one transaction of database/sql.
func ExampleWrite() {
	ctx := context.Background()
	place := func(o order) error {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback() // does nothing after Commit
		if _, err := tx.ExecContext(ctx, "INSERT INTO orders VALUES ($1, $2)", o.ID, o.Total); err != nil {
			return err
		}
		err = outbox.Write(ctx, tx, outbox.Event{AggregateType: "order", AggregateID: o.ID, Type: "OrderPlaced", Payload: o})
		if err != nil {
			return err
		}
		return tx.Commit()
	}
	fmt.Println(place(order{ID: "42", Total: 12.5}))
	fmt.Println(place(order{ID: "42", Total: 99}) != nil) // a duplicate key: no order, no event

	var events int
	var payload string
	err := db.QueryRowContext(ctx, "SELECT count(*), max(payload::text) FROM outbox WHERE aggregateid = '42'").Scan(&events, &payload)
	fmt.Println(events, payload, err)
	// Output:
	// <nil>
	// true
	// 1 {"id": "42", "total": 12.5} <nil>
}

// The same with a pool of pgx.
func ExampleTxFromPgx() {
	ctx := context.Background()
	tx, err := pool.Begin(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer tx.Rollback(ctx) // does nothing after Commit
	o := order{ID: "43", Total: 7}
	if _, err := tx.Exec(ctx, "INSERT INTO orders VALUES ($1, $2)", o.ID, o.Total); err != nil {
		fmt.Println(err)
		return
	}
	err = outbox.Write(ctx, outbox.TxFromPgx(tx), outbox.Event{AggregateType: "order", AggregateID: o.ID, Type: "OrderPlaced", Payload: o})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(tx.Commit(ctx))
	// Output: <nil>
}

// A table of one's own, with headers, the version of the schema and trace context.
func ExampleNew() {
	events, err := outbox.New(outbox.Config{
		Table:        "sales.events",
		Columns:      outbox.Columns{SchemaVersion: "version"},
		Headers:      []outbox.HeaderColumn{{Header: "tenant", Column: "tenant"}},
		TraceContext: func(context.Context) (traceparent, tracestate string) { return "", "" }, // from your tracer
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(events.DDL())
	// Output:
	// CREATE TABLE "sales"."events" (
	//     "id" uuid NOT NULL,
	//     "aggregatetype" text NOT NULL,
	//     "aggregateid" text NOT NULL,
	//     "type" text NOT NULL,
	//     "payload" jsonb,
	//     "version" integer,
	//     "traceparent" text,
	//     "tracestate" text,
	//     "tenant" text,
	//     PRIMARY KEY ("id")
	// );
}

func ExampleDDL() {
	table, err := outbox.DDL(outbox.Config{Partitioned: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(table)
	// Output:
	// CREATE TABLE "public"."outbox" (
	//     "id" uuid NOT NULL,
	//     "aggregatetype" text NOT NULL,
	//     "aggregateid" text NOT NULL,
	//     "type" text NOT NULL,
	//     "payload" jsonb,
	//     "created_at" timestamptz NOT NULL DEFAULT now(),
	//     PRIMARY KEY ("id", "created_at")
	// ) PARTITION BY RANGE ("created_at");
	// CREATE TABLE "public"."outbox_default" PARTITION OF "public"."outbox" DEFAULT;
}

// A wrong event is refused before the database is touched.
func ExampleEventError() {
	ctx := context.Background()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer tx.Rollback()
	err = outbox.Write(ctx, tx,
		outbox.Event{AggregateType: "order", AggregateID: "42", Type: "OrderPlaced"},
		outbox.Event{AggregateType: "a b", AggregateID: "42", Type: "LineAdded"},
	)
	var refused *outbox.EventError
	if errors.As(err, &refused) {
		fmt.Println(refused.Index, refused.Field, errors.Is(err, outbox.ErrTopic))
	}
	fmt.Println(err)
	// Output:
	// 1 AggregateType true
	// outbox: event 1: AggregateType makes a topic name that is refused: "outbox.event.a b" has a character outside [a-zA-Z0-9._-]
}

// An event without a table: the relay reads it from the WAL.
func ExampleEmit() {
	ctx := context.Background()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer tx.Rollback() // does nothing after Commit
	err = outbox.Emit(ctx, tx, outbox.Event{AggregateType: "order", AggregateID: "44", Type: "OrderPaid", Payload: order{ID: "44"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(tx.Commit())
	// Output: <nil>
}

// A connection on which somebody has begun a transaction by hand, and GORM's
// tx.Statement.ConnPool: nobody checks that the transaction is open.
func ExampleUnchecked() {
	ctx := context.Background()
	conn, err := db.Conn(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "BEGIN"); err != nil {
		fmt.Println(err)
		return
	}
	err = outbox.Write(ctx, outbox.Unchecked(conn), outbox.Event{AggregateType: "order", AggregateID: "45", Type: "OrderPaid"})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = conn.ExecContext(ctx, "COMMIT")
	fmt.Println(err)
	// Output: <nil>
}

// The same with a connection of pgx.
func ExampleUncheckedPgx() {
	ctx := context.Background()
	if _, err := conn.Exec(ctx, "BEGIN"); err != nil {
		fmt.Println(err)
		return
	}
	err := outbox.Write(ctx, outbox.UncheckedPgx(conn), outbox.Event{AggregateType: "order", AggregateID: "46", Type: "OrderPaid"})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = conn.Exec(ctx, "COMMIT")
	fmt.Println(err)
	// Output: <nil>
}

// A writer of one's own is made once, and used by all. An id that is known beforehand can be
// a part of the answer to a request.
func ExampleWriter_Write() {
	ctx := context.Background()
	events, err := outbox.New(outbox.Config{MaxBytes: 64 << 10})
	if err != nil {
		fmt.Println(err)
		return
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer tx.Rollback() // does nothing after Commit
	id := events.NewID()
	err = events.Write(ctx, tx,
		outbox.Event{ID: id, AggregateType: "order", AggregateID: "47", Type: "OrderPlaced", Payload: order{ID: "47"}},
		outbox.Event{AggregateType: "order", AggregateID: "47", Type: "OrderPaid", Payload: []byte(`{"cents": 700}`)},
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := tx.Commit(); err != nil {
		fmt.Println(err)
		return
	}
	var known int
	err = db.QueryRowContext(ctx, "SELECT count(*) FILTER (WHERE id = $1) FROM outbox WHERE aggregateid = '47'", id).Scan(&known)
	fmt.Println(known, err)
	// Output: 1 <nil>
}

// Messages with a prefix of their own, for a relay with the same outbox.prefix.
func ExampleWriter_Emit() {
	ctx := context.Background()
	events, err := outbox.New(outbox.Config{MessagePrefix: "sales"})
	if err != nil {
		fmt.Println(err)
		return
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer tx.Rollback() // does nothing after Commit
	err = events.Emit(ctx, tx, outbox.Event{AggregateType: "order", AggregateID: "48", Type: "OrderPaid"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(tx.Commit())
	// Output: <nil>
}

// The bytes that Write makes of a payload, such as to sign them. In a column of type jsonb
// Postgres writes them anew, with other spaces.
func ExampleWriter_Encode() {
	events, err := outbox.New(outbox.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	payload, err := events.Encode(order{ID: "49", Total: 12.5})
	fmt.Println(string(payload), err)
	// Output: {"id":"49","total":12.5} <nil>
}

// The table and the limit of a writer, with the defaults.
func ExampleWriter_Config() {
	events, err := outbox.New(outbox.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	config := events.Config()
	fmt.Println(config.Table, config.Columns.AggregateID, config.Topic, config.MaxBytes)
	// Output: public.outbox aggregateid outbox.event.{aggregatetype} 1048576
}
