package retention_test

import (
	"context"
	"fmt"
	"time"

	"github.com/walpost/walpost/pkg/outbox"
	"github.com/walpost/walpost/pkg/outbox/retention"
)

// A job that deletes what Kafka has and is older than an hour. The table has an event of
// yesterday and one of now.
func ExamplePruner_Prune() {
	ctx := context.Background()
	pruner, err := retention.New(retention.Config{
		Outbox: outbox.Config{Columns: outbox.Columns{CreatedAt: "created_at"}},
		Slot:   "walpost_orders", // of the relay
		Keep:   time.Hour,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	deleted, err := pruner.Prune(ctx, retention.SQL(db))
	fmt.Println(deleted, err)
	// Output: 1 <nil>
}

// The same with a pool of pgx.
func ExamplePgx() {
	pruner, err := retention.New(retention.Config{Slot: "walpost_orders"})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = pruner.Prune(context.Background(), retention.Pgx(pool))
	fmt.Println(err)
	// Output: <nil>
}

// A table with a partition for each day: old days go as a whole, without a DELETE.
func ExamplePruner_DropPartitions() {
	ctx := context.Background()
	days, err := retention.New(retention.Config{
		Outbox: outbox.Config{Table: "daily", Partitioned: true},
		Slot:   "walpost_orders",
		Keep:   7 * 24 * time.Hour,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	dropped, err := days.DropPartitions(ctx, retention.SQL(db))
	fmt.Println(dropped, err)
	// Output: [public.daily_p20200101] <nil>
}

// Partitions for the days to come. Those that exist stay.
func ExamplePruner_CreatePartitions() {
	ctx := context.Background()
	days, err := retention.New(retention.Config{
		Outbox: outbox.Config{Table: "daily", Partitioned: true}, Slot: "walpost_orders", Keep: 7 * 24 * time.Hour,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(days.CreatePartitions(ctx, retention.SQL(db), time.Now(), 7))
	// Output: <nil>
}
