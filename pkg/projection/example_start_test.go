package projection_test

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/walpost/walpost/pkg/projection"
)

// A read model of the last 30 days: older records are left out.
func ExampleAt() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	recent, err := projection.New(projection.Config{
		Name: "recent_parcels", Brokers: brokers, Topics: []string{"outbox.event.parcel"},
		Start: projection.At(time.Now().AddDate(0, 0, -30)),
	}, projection.SQL(db), func(_ context.Context, _ *sql.Tx, e *projection.Event) error {
		fmt.Println(e.Offset, string(e.Key))
		cancel() // the end of the example
		return nil
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	publish("outbox.event.parcel", "44", nil)
	if err := recent.Run(ctx); err != nil {
		fmt.Println(err)
	}
	// Output: 0 44
}

// A read model whose rows up to some offsets came by another way, such as a copy of a table.
func ExampleOffsets() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	list, err := projection.New(projection.Config{
		Name: "refunds", Brokers: brokers, Topics: []string{"outbox.event.refund"},
		Start: projection.Offsets(map[string]map[int32]int64{"outbox.event.refund": {0: 1}}),
	}, projection.SQL(db), func(_ context.Context, _ *sql.Tx, e *projection.Event) error {
		fmt.Println(e.Offset, string(e.Key))
		cancel() // the end of the example
		return nil
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	publish("outbox.event.refund", "45", nil)
	publish("outbox.event.refund", "46", nil)
	if err := list.Run(ctx); err != nil {
		fmt.Println(err)
	}
	// Output: 1 46
}
