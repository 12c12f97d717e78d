package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// ConnectTimeout is how long a command tries to connect, to all hosts of the URL
// together.
const ConnectTimeout = time.Minute

// Connect is SQL for a command: it gives up after ConnectTimeout.
func (t Target) Connect(ctx context.Context) (*pgx.Conn, error) {
	limited, cancel := context.WithTimeout(ctx, ConnectTimeout)
	defer cancel()
	return t.SQL(limited)
}

// HangUp closes a connection on which nothing is open that could be lost. It does so in
// order when ctx is done, too.
func HangUp(ctx context.Context, conn *pgx.Conn) {
	_ = conn.Close(context.WithoutCancel(ctx)) // see above
}
