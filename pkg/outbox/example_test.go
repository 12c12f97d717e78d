package outbox_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/pkg/outbox"
)

// order is the example's data.
type order struct {
	ID    string  `json:"id"`
	Total float64 `json:"total"`
}

// printing stands for a transaction of database/sql; it prints what it is given.
type printing struct{}

func (printing) ExecContext(_ context.Context, query string, args ...any) (sql.Result, error) {
	_, _ = fmt.Fprintln(os.Stdout, strings.Replace(query, " VALUES ", "\nVALUES ", 1))
	for _, arg := range args[1:] { // the first is the id
		_, _ = fmt.Fprintln(os.Stdout, arg)
	}
	return driver.RowsAffected(1), nil
}

func (printing) Commit() error   { return nil }
func (printing) Rollback() error { return nil }

func ExampleWrite() {
	ctx, tx := context.Background(), printing{}
	err := outbox.Write(ctx, tx, outbox.Event{
		AggregateType: "order",
		AggregateID:   "42",
		Type:          "OrderPlaced",
		Payload:       order{ID: "42", Total: 12.5},
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// INSERT INTO "public"."outbox" ("id", "aggregatetype", "aggregateid", "type", "payload")
	// VALUES ($1::uuid, $2::text, $3::text, $4::text, $5::jsonb)
	// order
	// 42
	// OrderPlaced
	// {"id":"42","total":12.5}
}

// An order and its event, in one transaction of pgx, on a real server.
func ExamplePgx() {
	ctx := context.Background()
	server, err := devstack.StartPostgres(ctx, devstack.PostgresOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	conn, err := server.Connect(ctx, "postgres")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close(ctx)
	table, err := outbox.DDL(outbox.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := conn.Exec(ctx, table+"CREATE TABLE orders (id text PRIMARY KEY, total numeric)"); err != nil {
		fmt.Println(err)
		return
	}

	place := func(o order) error {
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, "INSERT INTO orders VALUES ($1, $2)", o.ID, o.Total); err != nil {
				return err
			}
			return outbox.Write(ctx, outbox.Pgx(tx), outbox.Event{
				AggregateType: "order", AggregateID: o.ID, Type: "OrderPlaced", Payload: o,
			})
		})
	}
	fmt.Println(place(order{ID: "42", Total: 12.5}))
	var duplicate *pgconn.PgError
	fmt.Println(errors.As(place(order{ID: "42", Total: 99}), &duplicate)) // no order, no event

	var events int
	var payload string
	if err := conn.QueryRow(ctx, "SELECT count(*), max(payload::text) FROM outbox").Scan(&events, &payload); err != nil {
		fmt.Println(err)
	}
	fmt.Println(events, payload)
	// Output:
	// <nil>
	// true
	// 1 {"id": "42", "total": 12.5}
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
	err := outbox.Write(context.Background(), printing{},
		outbox.Event{AggregateType: "order", AggregateID: "42", Type: "OrderPlaced"},
		outbox.Event{AggregateType: "a b", AggregateID: "42", Type: "LineAdded"},
	)
	if refused, ok := errors.AsType[*outbox.EventError](err); ok {
		fmt.Println(refused.Index, refused.Field, errors.Is(err, outbox.ErrTopic))
	}
	fmt.Println(err)
	// Output:
	// 1 AggregateType true
	// outbox: event 1: AggregateType makes a topic name that Kafka refuses: "outbox.event.a b" has a character outside [a-zA-Z0-9._-]
}
