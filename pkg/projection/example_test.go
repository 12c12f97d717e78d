package projection_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/walpost/walpost/pkg/inbox"
	"github.com/walpost/walpost/pkg/projection"
)

// A list of orders by the events of orders, built anew while it is in use.
func Example() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	list, err := projection.New(projection.Config{
		Name:      "order_list",
		Brokers:   brokers,
		Topics:    []string{"outbox.event.order"},
		Tables:    []string{"order_list"},
		Observers: []inbox.Observer{inbox.Log(slog.New(slog.DiscardHandler))},
	}, projection.SQL(db), func(ctx context.Context, tx *sql.Tx, e *projection.Event) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO "+e.Table("order_list")+
			" (id, state) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET state = excluded.state",
			string(e.Key), e.Type)
		return err
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, event := range []string{"OrderPlaced", "OrderPaid"} {
		publish("outbox.event.order", "42", map[string]string{"eventType": event})
	}

	done := make(chan error)
	go func() { done <- list.Run(ctx) }() // until ctx is cancelled; continues with the new table
	if err := list.Rebuild(ctx); err != nil {
		fmt.Println(err)
	}
	var id, state string
	if err := db.QueryRowContext(ctx, "SELECT id, state FROM order_list").Scan(&id, &state); err != nil {
		fmt.Println(err)
	}
	fmt.Println("order", id, state)
	cancel()
	fmt.Println(<-done)
	// Output:
	// order 42 OrderPaid
	// <nil>
}

// A pool of pgx. The handler takes a pgx.Tx:
//
//	func listOrder(ctx context.Context, tx pgx.Tx, e *projection.Event) error {
//		_, err := tx.Exec(ctx, "INSERT INTO "+e.Table("order_list")+" (id, state) VALUES ($1, $2)", string(e.Key), e.Type)
//		return err
//	}
func ExamplePgx() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	list, err := projection.New(projection.Config{
		Name: "invoice_list", Brokers: brokers, Topics: []string{"outbox.event.invoice"},
		Start: projection.Beginning(), // the default
		Observers: []inbox.Observer{inbox.ObserverFunc(func(o inbox.Observation) {
			if o.Kind == inbox.KindProcessed {
				fmt.Println(string(o.Event.Key), o.Event.Type)
				cancel() // the end of the example
			}
		})},
	}, projection.Pgx(pool), listOrder)
	if err != nil {
		fmt.Println(err)
		return
	}
	publish("outbox.event.invoice", "43", map[string]string{"eventType": "InvoiceSent"})
	if err := list.Run(ctx); err != nil {
		fmt.Println(err)
	}
	// Output: 43 InvoiceSent
}

// The position table, for a migration.
func ExampleDDL() {
	table, err := projection.DDL("shop.projection_position") // Config.Position names it too
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(table)
	// Output:
	// CREATE TABLE shop.projection_position (
	//     projection text NOT NULL,
	//     topic text NOT NULL,
	//     "partition" integer NOT NULL,
	//     next_offset bigint NOT NULL,
	//     generation bigint NOT NULL,
	//     moved_at timestamptz NOT NULL DEFAULT now(),
	//     topic_id text NOT NULL DEFAULT '',
	//     PRIMARY KEY (projection, topic, "partition")
	// );
}

// A liveness probe: the process is started again when a partition has had records for a
// minute without applying one.
func ExampleProjection_Health() {
	list, err := projection.New(projection.Config{
		Name: "order_list", Brokers: brokers, Topics: []string{"outbox.event.order"},
	}, projection.Pgx(pool), listOrder)
	if err != nil {
		fmt.Println(err)
		return
	}
	probe := func(w http.ResponseWriter, _ *http.Request) {
		health := list.Health()
		if health.Stuck(time.Minute) {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		for _, p := range health.Partitions {
			fmt.Fprintln(w, p.Topic, p.Partition, "lag", p.End-p.Next, "failing with", p.Err)
		}
	}
	answer := httptest.NewRecorder()
	probe(answer, nil)
	fmt.Println(answer.Code)
	// Output: 200
}
