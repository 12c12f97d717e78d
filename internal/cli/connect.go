package cli

import (
	"context"
	"os/signal"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/wiring"
)

// connectTimeout is for all hosts of the URL together.
const connectTimeout = time.Minute

// connect opens a plain connection to the database of a file.
func connect(ctx context.Context, cfg *config.Config) (conn *pgx.Conn, hangUp func(), err error) {
	dial, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	conn, err = wiring.Target(cfg).SQL(dial)
	if err != nil {
		return nil, nil, err
	}
	return conn, func() {
		_ = conn.Close(context.WithoutCancel(ctx)) // nothing is open on it that could be lost
	}, nil
}

// interruptible ends its context at SIGINT or SIGTERM, for commands that have
// nothing to bring to an end.
func interruptible(ctx context.Context) (context.Context, context.CancelFunc) {
	return signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
}
