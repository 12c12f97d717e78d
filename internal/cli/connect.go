package cli

import (
	"context"
	"os/signal"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/kafka"
	"github.com/walpost/walpost/internal/relay"
)

// connectTimeout is for all hosts of the URL together.
const connectTimeout = time.Minute

// connect opens a plain connection to the database of a file.
func connect(ctx context.Context, cfg *config.Config) (conn *pgx.Conn, hangUp func(), err error) {
	dial, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	conn, err = relay.Target(cfg).SQL(dial)
	if err != nil {
		return nil, nil, err
	}
	return conn, func() {
		_ = conn.Close(context.WithoutCancel(ctx)) // nothing is open on it that could be lost
	}, nil
}

// openKafka connects to the cluster of a file. A cluster that does not answer is
// left to its own time-out when ctx ends.
func openKafka(ctx context.Context, cfg *config.Config) (*kafka.Client, error) {
	type answer struct {
		client *kafka.Client
		err    error
	}
	answers := make(chan answer, 1)
	go func() {
		client, err := kafka.NewClient(relay.Kafka(cfg))
		answers <- answer{client, err}
	}()
	select {
	case a := <-answers:
		return a.client, a.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// interruptible ends its context at SIGINT or SIGTERM, for commands that have
// nothing to bring to an end.
func interruptible(ctx context.Context) (context.Context, context.CancelFunc) {
	return signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
}
