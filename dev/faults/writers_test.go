package faults_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/dev/devstack/pause"
	"github.com/walpost/walpost/internal/relay/relaytest"
)

// writers commit events all the time, each under keys of its own, in transactions
// of 1 to 4 rows of which one in ten is rolled back, through whatever happens to the
// server.
type writers struct {
	ending atomic.Bool
	cancel context.CancelFunc
	all    sync.WaitGroup
	pause  time.Duration
	spread bool
}

const writerCount = 4

func (h *harness) write(t *testing.T) *writers {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	w := &writers{cancel: cancel, pause: h.pause, spread: h.spread}
	server, database, rnd := h.DB.Server, h.DB.Name, devstacktest.Rand(t)
	for i := range writerCount {
		own := devstacktest.Split(rnd)
		w.all.Go(func() {
			for ctx.Err() == nil && !w.ending.Load() {
				w.writeAs(ctx, t, own, server, database, fmt.Sprint("writer", i))
			}
		})
	}
	t.Cleanup(w.end)
	return w
}

// end waits for the last commits: one that is cancelled may still come to be, after
// the table was read.
func (w *writers) end() {
	w.ending.Store(true)
	unwilling := time.AfterFunc(devstacktest.Patience, w.cancel) // the server does not answer
	w.all.Wait()
	unwilling.Stop()
	w.cancel()
}

// writeAs writes until an error: then the caller connects again, and a commit whose
// outcome is unknown shows in the highest number.
func (w *writers) writeAs(ctx context.Context, t *testing.T, rnd *rand.Rand, server *devstack.Postgres, database, key string) {
	conn, err := server.Connect(ctx, database)
	if err != nil {
		return
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var n int
	if err := conn.QueryRow(ctx, "SELECT coalesce(max((payload->>'n')::int), 0) FROM outbox WHERE split_part(aggregateid, '.', 1) = $1",
		key).Scan(&n); err != nil {
		return
	}
	for ctx.Err() == nil && !w.ending.Load() {
		rows := 1 + rnd.IntN(4)
		undo := rnd.IntN(10) == 0
		if err := w.writeOnce(ctx, conn, key, n, rows, undo); err != nil {
			return
		}
		if !undo {
			n += rows
		}
		if w.pause > 0 {
			pause.Real(t, w.pause, "the writers are to be steady, not fast")
		}
	}
}

func (w *writers) writeOnce(ctx context.Context, conn *pgx.Conn, key string, after, rows int, undo bool) error {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return err
	}
	for i := range rows {
		if _, err := tx.Exec(ctx, w.event(key, after+i+1)); err != nil {
			return err
		}
	}
	if undo {
		return tx.Rollback(ctx)
	}
	return tx.Commit(ctx)
}

// event inserts the event with a number: under the writer's key, or under one of several,
// of which every other is of the type payment.
func (w *writers) event(key string, n int) string {
	if !w.spread {
		return relaytest.Insert(key, n)
	}
	const keys = 8
	types := []string{"order", "payment"}
	return strings.Replace(relaytest.Insert(fmt.Sprint(key, ".", n%keys), n), "order", types[n%len(types)], 1)
}
