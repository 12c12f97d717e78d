package recover

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"
	"golang.org/x/time/rate"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/postgres/provision"
)

// snapshot is a transaction that sees exactly the rows committed before the point
// from which the new slot streams.
type snapshot struct {
	conn  *pgx.Conn
	point pgoutput.LSN // the consistent point of the new slot
}

func (s *snapshot) close(ctx context.Context) { postgres.HangUp(ctx, s.conn) }

// createSlot makes the new slot under its temporary name and takes its snapshot.
// The name of an exported snapshot is valid until the next command on the
// connection that made it; who has taken it keeps it.
func (r *Recovery) createSlot(ctx context.Context) (*snapshot, error) {
	conn, err := r.target.Connect(ctx)
	if err != nil {
		return nil, err
	}
	limited, cancel := context.WithTimeout(ctx, postgres.ConnectTimeout)
	defer cancel()
	session, err := r.target.Replication(limited)
	if err != nil {
		postgres.HangUp(ctx, conn)
		return nil, err
	}
	defer session.Close(context.WithoutCancel(ctx)) //nolint:errcheck // it ends with the process at the latest
	waited := provision.WatchWriters(ctx, r.target, 5*time.Second, r.logWriter())
	slot, err := provision.CreateSlotWithSnapshot(ctx, session, TemporaryName(r.Config.Postgres.Slot))
	waited()
	if err != nil {
		postgres.HangUp(ctx, conn)
		return nil, err
	}
	s := &snapshot{conn: conn, point: slot.ConsistentPoint}
	for _, sql := range []string{"BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY", "SET TRANSACTION SNAPSHOT " + postgres.QuoteLiteral(slot.Snapshot)} {
		if _, err := conn.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol); err != nil {
			s.close(ctx)
			r.discard(ctx)
			return nil, postgres.Classify("take the slot's snapshot", err)
		}
	}
	return s, nil
}

// logWriter returns what logs the transaction that the slot waits for, now and then.
func (r *Recovery) logWriter() func(*catalog.Writer) {
	now := rate.Sometimes{First: 1, Interval: time.Minute}
	return func(w *catalog.Writer) {
		now.Do(func() { r.Log.Warn("creating the slot waits for "+w.Text, zap.String("hint", w.Fix)) })
	}
}
