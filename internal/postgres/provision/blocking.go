package provision

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/postgres/catalog"
)

// lookTimeout is how long one look at the open transactions may take.
const lookTimeout = time.Minute

// WatchWriters calls tell at every interval with the open transaction that the making of
// a slot most likely waits for, until the caller ends it; with nil when it is not known,
// as to a role that may not see the transactions of others. It opens a connection of its
// own at the first interval.
func WatchWriters(ctx context.Context, target postgres.Target, interval time.Duration, tell func(*catalog.Writer)) (end func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w := writerWatch{target: target}
		defer w.close(ctx)
		tick := time.NewTicker(interval)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if oldest := w.look(ctx); ctx.Err() == nil {
				tell(oldest)
			}
		}
	}()
	return func() {
		cancel()
		<-ended
	}
}

// DescribeWriter returns what WatchWriters tells, for people: which transaction it is and
// how to end it.
func DescribeWriter(w *catalog.Writer) string {
	if w == nil {
		return "transactions that are writing to end: see pg_stat_activity and pg_prepared_xacts"
	}
	return w.Text + "; " + w.Fix
}

// writerWatch looks for open transactions over one connection, for as long as it lasts.
type writerWatch struct {
	target postgres.Target
	conn   *pgx.Conn // nil: none is open
}

func (w *writerWatch) look(ctx context.Context) *catalog.Writer {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	if w.conn == nil {
		conn, err := w.target.SQL(ctx)
		if err != nil {
			return nil // making the slot says what is wrong
		}
		w.conn = conn
	}
	oldest, err := catalog.OldestWriter(ctx, w.conn)
	if err != nil {
		w.close(ctx)
	}
	return oldest
}

func (w *writerWatch) close(ctx context.Context) {
	if w.conn != nil {
		postgres.HangUp(ctx, w.conn)
		w.conn = nil
	}
}
