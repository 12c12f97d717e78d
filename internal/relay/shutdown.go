package relay

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/internal/postgres"
)

// errLetGo ends a stream that would hold up a shutdown of Postgres: the server waits
// until all that it sent is confirmed. Nothing repeats for it: what was read is
// remembered.
var errLetGo = errors.New("disconnected so that a shutdown of Postgres is not held up while Kafka acknowledges nothing; " +
	"the slot keeps the data")

const (
	letGoAfter = 3 * time.Second        // without an acknowledgement, while Postgres is shutting down
	letGoLook  = 100 * time.Millisecond // how often is looked meanwhile
)

// listen waits on an idle connection for its end: a shutdown of the server is heard
// there at once, before anything is asked. The channel is closed when the connection
// has ended; stop gives it back for queries.
func listen(ctx context.Context, conn *pgx.Conn) (ended <-chan struct{}, stop func()) {
	if conn == nil {
		return nil, func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	over, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for ctx.Err() == nil {
			_ = conn.PgConn().WaitForNotification(ctx) // which error it was is asked by connecting again
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

// letGo ends the stream of a server that is shutting down once Kafka has acknowledged
// nothing for a while. As long as it acknowledges, the stream comes to its end in
// order: the server closes it when everything is confirmed.
func (g *guard) letGo(ctx context.Context, end context.CancelCauseFunc) {
	producer := g.running.Load()
	tick := time.NewTicker(letGoLook)
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
		if time.Since(at) >= letGoAfter {
			end(errLetGo)
			return
		}
	}
}

// shutsDown reports whether a server to which a stream runs refused a connection
// because it is shutting down: one that was only just started has no stream.
func shutsDown(err error) bool {
	e, ok := errors.AsType[*postgres.Error](err)
	return ok && e.Code == "57P03"
}
