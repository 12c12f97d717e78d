package inbox_test

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/walpost/walpost/pkg/inbox"
)

// serializable is a Store of one's own: like inbox.SQL, at another isolation level.
type serializable struct{ db *sql.DB }

func (s serializable) Transact(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelSerializable})
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after Commit
	if err := do(tx); err != nil {
		return err
	}
	return tx.Commit()
}

func (serializable) Exec(ctx context.Context, tx *sql.Tx, query string, args ...any) (int64, error) {
	result, err := tx.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// A Store for transactions that neither SQL nor Pgx begins: two methods.
func ExampleStore() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	config := inbox.Config{Brokers: brokers, Group: "ledger", Topics: []string{"outbox.event.booking"}}
	consumer, err := inbox.New(config, serializable{db}, func(ctx context.Context, tx *sql.Tx, e *inbox.Event) error {
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
