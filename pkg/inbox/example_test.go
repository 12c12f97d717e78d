package inbox_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/walpost/walpost/pkg/inbox"
)

// A payment for each order, once, although its event comes twice.
func Example() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	config := inbox.Config{
		Brokers: brokers,
		Group:   "payments",
		Topics:  []string{"outbox.event.order"},
		Observers: []inbox.Observer{
			inbox.Log(slog.New(slog.DiscardHandler)),
			inbox.ObserverFunc(func(o inbox.Observation) {
				if o.Kind == inbox.KindRepeated {
					fmt.Println("order", string(o.Event.Key), "again")
					cancel() // the end of the example
				}
			}),
		},
	}
	consumer, err := inbox.New(config, inbox.SQL(db), func(ctx context.Context, tx *sql.Tx, e *inbox.Event) error {
		fmt.Println("order", string(e.Key), e.Type)
		_, err := tx.ExecContext(ctx, "INSERT INTO payments (order_id) VALUES ($1)", string(e.Key))
		return err
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 2 {
		publish("outbox.event.order", "42", map[string]string{"id": "01890a5d-ac96-774b-bcce-b302099a8057", "eventType": "OrderPlaced"})
	}
	if err := consumer.Run(ctx); err != nil {
		fmt.Println(err)
	}
	// Output:
	// order 42 OrderPlaced
	// order 42 again
}

// A pool of pgx. The handler takes a pgx.Tx:
//
//	func pay(ctx context.Context, tx pgx.Tx, e *inbox.Event) error {
//		_, err := tx.Exec(ctx, "INSERT INTO payments (order_id) VALUES ($1)", string(e.Key))
//		return err
//	}
func ExamplePgx() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	config := inbox.Config{
		Brokers: brokers, Group: "payments", Topics: []string{"outbox.event.invoice"},
		Observers: []inbox.Observer{inbox.ObserverFunc(func(o inbox.Observation) {
			if o.Kind == inbox.KindProcessed {
				fmt.Println("order", string(o.Event.Key), "is paid")
				cancel() // the end of the example
			}
		})},
	}
	consumer, err := inbox.New(config, inbox.Pgx(pool), pay)
	if err != nil {
		fmt.Println(err)
		return
	}
	publish("outbox.event.invoice", "43", map[string]string{"id": "1"})
	if err := consumer.Run(ctx); err != nil {
		fmt.Println(err)
	}
	// Output: order 43 is paid
}

// A liveness probe: the process is started again when a partition has had records for a
// minute without finishing one.
func ExampleConsumer_Health() {
	config := inbox.Config{Brokers: brokers, Group: "payments", Topics: []string{"outbox.event.order"}}
	consumer, err := inbox.New(config, inbox.Pgx(pool), pay)
	if err != nil {
		fmt.Println(err)
		return
	}
	probe := func(w http.ResponseWriter, _ *http.Request) {
		health := consumer.Health()
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

// A header that the relay adds by `outbox.headers`, or a tracer's traceparent.
func ExampleEvent_Header() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	config := inbox.Config{Brokers: brokers, Group: "mails", Topics: []string{"outbox.event.parcel"}}
	consumer, err := inbox.New(config, inbox.SQL(db), func(_ context.Context, _ *sql.Tx, e *inbox.Event) error {
		tenant, ok := e.Header("tenant")
		fmt.Println(e.Type, string(tenant), ok)
		cancel() // the end of the example
		return nil
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	publish("outbox.event.parcel", "44", map[string]string{"id": "1", "eventType": "ParcelSent", "tenant": "acme"})
	if err := consumer.Run(ctx); err != nil {
		fmt.Println(err)
	}
	// Output: ParcelSent acme true
}
