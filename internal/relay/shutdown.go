package relay

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/internal/postgres"
)

// errDisconnected ends a stream that would delay a shutdown of Postgres: the server
// waits until all that it sent is confirmed. No event is repeated because of it: what was
// read is remembered.
var errDisconnected = errors.New("disconnected so that a shutdown of Postgres is not delayed while Kafka acknowledges nothing; " +
	"the slot keeps the data")

const (
	stalledAfter = 3 * time.Second        // without an acknowledgement, while Postgres is shutting down
	stalledCheck = 100 * time.Millisecond // how often that is checked
)

// watchConn waits on an idle connection for its end: a shutdown of the server ends it at
// once, before anything is asked. The channel is closed when the connection has ended;
// after stop it is free for queries.
func watchConn(ctx context.Context, conn *pgx.Conn) (ended <-chan struct{}, stop func()) {
	if conn == nil {
		return nil, func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	over, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for ctx.Err() == nil {
			_ = conn.PgConn().WaitForNotification(ctx) // connecting again shows which error it was
			if conn.IsClosed() {
				close(over)
				return
			}
		}
	}()
	return over, func() {
		cancel()
		<-stopped
	}
}

// disconnectIfStalled ends the stream of a server that is shutting down once Kafka has
// acknowledged nothing for a while. As long as Kafka acknowledges, the server closes the
// stream itself when everything is confirmed.
func (g *guard) disconnectIfStalled(ctx context.Context, end context.CancelCauseFunc) {
	producer := g.running.Load()
	tick := time.NewTicker(stalledCheck)
	defer tick.Stop()
	mark, at := producer.Watermark(), time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if now := producer.Watermark(); now != mark || producer.Idle() {
			mark, at = now, time.Now()
		}
		if time.Since(at) >= stalledAfter {
			end(errDisconnected)
			return
		}
	}
}

// shuttingDown reports whether a server to which a stream runs refused a connection
// because it is shutting down. A server that is just starting has no stream.
func shuttingDown(err error) bool {
	e, ok := errors.AsType[*postgres.Error](err)
	return ok && e.Code == "57P03"
}
