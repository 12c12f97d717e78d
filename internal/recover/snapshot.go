package recover

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/internal/lograte"
	"github.com/walpost/walpost/internal/pgname"
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

// slowSlot is how long the making of the slot may take before it is said what it waits for.
const slowSlot = 5 * time.Second

// createSlot makes the new slot under its temporary name and takes its snapshot.
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
	waited := provision.WatchWriters(ctx, r.target, slowSlot, r.logWriter())
	slot, err := provision.CreateSlotWithSnapshot(ctx, session, TemporaryName(r.Config.Postgres.Slot))
	waited()
	if err != nil {
		postgres.HangUp(ctx, conn)
		return nil, err
	}
	s := &snapshot{conn: conn, point: slot.ConsistentPoint}
	for _, sql := range []string{
		"BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY", "SET TRANSACTION SNAPSHOT " + pgname.CommandLiteral(slot.Snapshot),
	} {
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
	var line lograte.Line
	return func(w *catalog.Writer) {
		if line.Allow() {
			r.Log.Warn("waiting for " + provision.DescribeWriter(w))
		}
	}
}
