package projection_test

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/pkg/projection"
)

// A list of orders, kept by the events of orders, and made anew while it is in use.
func ExampleProjection_Rebuild() {
	build := func(ctx context.Context, brokers []string, connections pool) error {
		list, err := projection.New(projection.Config{
			Name: "order_list", Brokers: brokers, Topics: []string{"outbox.event.order"}, Tables: []string{"order_list"},
		}, projection.Pgx(connections), func(ctx context.Context, tx pgx.Tx, e *projection.Event) error {
			_, err := tx.Exec(ctx, "INSERT INTO "+e.Table("order_list")+" (id, state) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET state = excluded.state",
				string(e.Key), e.Type)
			return err
		})
		if err != nil {
			return err
		}
		go func() { _ = list.Run(ctx) }() // goes on with the new table
		return list.Rebuild(ctx)
	}
	fmt.Println(build(context.Background(), nil, pool{}))
	// Output: projection: configuration: Brokers: want at least one, host:port
}
