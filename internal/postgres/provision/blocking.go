package provision

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/postgres/catalog"
)

// writersTimeout is how long one query for the open transactions may take.
const writersTimeout = time.Minute

// WatchWriters calls tell at every interval, until the caller ends it, with the open
// transaction that the creation of a slot most likely waits for: nil when it is not known,
// as for a role that may not see the transactions of others. It opens a connection of its
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
			if oldest := w.read(ctx); ctx.Err() == nil {
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

// read returns the oldest transaction that is writing; nil: it is not known.
func (w *writerWatch) read(ctx context.Context) *catalog.Writer {
	ctx, cancel := context.WithTimeout(ctx, writersTimeout)
	defer cancel()
	if w.conn == nil {
		conn, err := w.target.SQL(ctx)
		if err != nil {
			return nil // the creation of the slot reports what is wrong
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
