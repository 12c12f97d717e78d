package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// cancelGrace is how long a cancelled command may take to say so.
const cancelGrace = 5 * time.Second

// ExecCancelable runs one command over the simple protocol. When ctx ends it
// asks the server to cancel instead of dropping the connection: a server that
// waits for other transactions does not notice a client that is gone.
func ExecCancelable(ctx context.Context, conn *pgconn.PgConn, sql string) ([][][]byte, error) {
	hard, drop := context.WithCancel(context.WithoutCancel(ctx))
	defer drop()
	finished := make(chan struct{})
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-finished:
			return
		case <-ctx.Done():
		}
		select {
		case <-finished: // both were ready: there is nothing left to cancel
			return
		default:
		}
		grace, cancel := context.WithTimeout(hard, cancelGrace)
		defer cancel()
		if err := conn.CancelRequest(grace); err != nil {
			drop()
			return
		}
		select {
		case <-finished:
		case <-grace.Done():
			drop()
		}
	}()
	results, err := conn.Exec(hard, sql).ReadAll()
	close(finished)
	<-watched
	if err != nil {
		return nil, err
	}
	if len(results) != 1 {
		return nil, fmt.Errorf("%d results instead of one", len(results))
	}
	return results[0].Rows, results[0].Err
}
