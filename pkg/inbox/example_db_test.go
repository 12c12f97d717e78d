package inbox_test

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/walpost/walpost/pkg/inbox"
)

// A DB for transactions that SQL does not begin: at another isolation level. For another
// library, set Exec too.
func ExampleDB() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	own := inbox.SQL(db)
	own.Transact = func(ctx context.Context, do func(*sql.Tx) error) error {
		tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelSerializable})
		if err != nil {
			return err
		}
		defer tx.Rollback() // does nothing after Commit
		if err := do(tx); err != nil {
			return err
		}
		return tx.Commit()
	}
	config := inbox.Config{Brokers: brokers, Group: "ledger", Topics: []string{"outbox.event.booking"}}
	consumer, err := inbox.New(config, own, func(ctx context.Context, tx *sql.Tx, e *inbox.Event) error {
		var level string
		err := tx.QueryRowContext(ctx, "SHOW transaction_isolation").Scan(&level)
		fmt.Println(string(e.Key), level)
		cancel() // the end of the example
		return err
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	publish("outbox.event.booking", "49", map[string]string{"id": "1"})
	if err := consumer.Run(ctx); err != nil {
		fmt.Println(err)
	}
	// Output: 49 serializable
}
