//go:build faults

package handover_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/dev/devstack/pause"
)

const (
	writerCount = 2
	keysEach    = 5
	between     = 80 * time.Millisecond // two transactions of a writer
)

// writers commit events all the time, each under keys of its own, in transactions of 1 to 4 rows of which one in ten is
// rolled back.
type writers struct {
	ending atomic.Bool
	all    sync.WaitGroup
}

func (o *outbox) write(t *testing.T) *writers {
	t.Helper()
	w := &writers{}
	rnd := devstacktest.Rand(t)
	for i := range writerCount {
		own, conn := devstacktest.Split(rnd), devstacktest.Connect(t, o.db.Server, o.db.Name)
		w.all.Go(func() {
			if err := w.writeAs(t, own, conn, i); err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(w.end)
	return w
}

// end waits for the last commits.
func (w *writers) end() {
	w.ending.Store(true)
	w.all.Wait()
}

func (w *writers) writeAs(t *testing.T, rnd *rand.Rand, conn *pgx.Conn, writer int) error {
	t.Helper()
	for n := 0; !w.ending.Load(); {
		rows, undo := 1+rnd.IntN(4), rnd.IntN(10) == 0
		tx, err := conn.Begin(t.Context())
		if err != nil {
			return err
		}
		for i := range rows {
			if err := insert(t.Context(), tx, rnd, writer, n+i); err != nil {
				return err
			}
		}
		if undo {
			err = tx.Rollback(t.Context())
		} else {
			n += rows
			err = tx.Commit(t.Context())
		}
		if err != nil {
			return err
		}
		pause.Real(t, between, "the writers are to be steady, not fast")
	}
	return nil
}

// insert writes an event with a number that rises with each event of a writer, its transaction, and what that could see. A key
// has one type.
func insert(ctx context.Context, tx pgx.Tx, rnd *rand.Rand, writer, n int) error {
	key := rnd.IntN(keysEach)
	payload, err := json.Marshal(map[string]any{
		"n": n, "text": texts()[rnd.IntN(len(texts()))], "rate": rnd.NormFloat64() * 1e4, "flag": n%2 == 0,
		"big": rnd.Int64(), "none": nil, "tags": []string{"a", "é", `q"`}, "lines": []any{
			map[string]any{"sku": "s", "count": rnd.IntN(100)}, map[string]any{"sku": "t"},
		},
	})
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO outbox (aggregatetype, aggregateid, type, payload, version) 
		VALUES ($1, $2, $3,
			$4::jsonb || jsonb_build_object('xid', pg_current_xact_id()::text, 'snapshot', pg_current_snapshot()::text), $5)`,
		types()[key%2], fmt.Sprintf("writer%d.%d", writer, key), texts()[rnd.IntN(len(texts()))], payload, n%3)
	return err
}

// texts are some that relays and converters have trouble with.
func texts() []string {
	return []string{"Created", "", " blanks ", "é 日本 😀", "a\"b\\c/d\t\n\u001f\u2028<&>", "00123", "null", "{}"}
}

// finish writes the last event, and waits until it is in Kafka: so all before it was sent.
func (o *outbox) finish(t *testing.T) {
	t.Helper()
	o.db.Exec(t, `INSERT INTO outbox (aggregatetype, aggregateid, type, payload) VALUES ('`+sentinel+`', 'end', 'End', '{"n": 0}')`)
	devstacktest.Await(t, "the last event", func() bool { return o.ends(t, sentinel) > 0 })
}
