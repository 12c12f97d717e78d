package recovery

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"
	"golang.org/x/time/rate"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/postgres/provision"
	"github.com/walpost/walpost/internal/status"
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
	slot, err := provision.CreateSlotWithSnapshot(ctx, session, Temporary(r.Config.Postgres.Slot))
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

// dropLeftover removes the slot of the temporary name, if there is one.
func (r *Recovery) dropLeftover(ctx context.Context) error {
	_, err := provision.DropSlot(ctx, r.conn, Temporary(r.Config.Postgres.Slot))
	return err
}

// discard removes the new slot after a failure, so that it keeps no WAL. It uses
// a connection of its own: what failed may be the other one.
func (r *Recovery) discard(ctx context.Context) {
	slot := Temporary(r.Config.Postgres.Slot)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	conn, err := r.target.SQL(ctx)
	if err == nil {
		defer postgres.HangUp(ctx, conn)
		_, err = provision.DropSlot(ctx, conn, slot)
	}
	if err != nil {
		r.Log.Warn("the new slot could not be removed and keeps WAL: run recover again, or drop it",
			zap.String("slot", slot), zap.Error(err), zap.String("hint", "SELECT pg_drop_replication_slot('"+slot+"')"))
	}
}

// swapTimeout is for a few commands that touch the catalogue of slots only.
const swapTimeout = time.Minute

// swap gives the new slot its name: Postgres cannot rename a slot, but a copy
// streams from where its original does. From the drop on it goes through with it,
// whoever asks to stop.
func (r *Recovery) swap(ctx context.Context, point pgoutput.LSN, report func(Stage)) error {
	slot, temporary := r.Config.Postgres.Slot, Temporary(r.Config.Postgres.Slot)
	if err := r.intact(ctx, temporary, point); err != nil {
		r.discard(ctx)
		return err
	}
	if _, err := provision.DropSlot(ctx, r.conn, slot); err != nil {
		r.discard(ctx)
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), swapTimeout)
	defer cancel()
	report(Dropped)
	if err := provision.CopySlot(ctx, r.conn, temporary, slot); err != nil {
		return &status.Halt{
			Code: status.ExitHalted, Reason: "everything is published, but the new slot could not be given its name",
			Detail: err.Error(),
			Hint:   fmt.Sprintf("SELECT pg_copy_logical_replication_slot('%s', '%s'); SELECT pg_drop_replication_slot('%[1]s'); or run recover again", temporary, slot),
		}
	}
	report(Copied)
	if r.Config.Postgres.Failover { // a copy is none
		if err := r.makeFailover(ctx, slot); err != nil {
			return err
		}
	}
	_, err := provision.DropSlot(ctx, r.conn, temporary)
	return err
}

// intact says that the new slot has not been touched, nor lost to
// max_slot_wal_keep_size, while rows were published.
func (r *Recovery) intact(ctx context.Context, slot string, point pgoutput.LSN) error {
	s, err := catalog.ReadSlotStatus(ctx, r.conn, slot)
	if err != nil {
		return err
	}
	halt := &status.Halt{
		Code: status.ExitHalted, Reason: "the new slot did not last until everything was published",
		Hint: "run recover again",
	}
	switch {
	case s == nil:
		halt.Detail = slot + " is gone"
	case s.Lost():
		halt.Detail = slot + " is lost: " + s.Loss().Reason
		halt.Hint = s.Loss().Fix + ", and run recover again"
	case s.ConfirmedFlushLSN != point.String():
		halt.Detail = fmt.Sprintf("%s was moved from %s to %s by somebody", slot, point, s.ConfirmedFlushLSN)
	default:
		return nil
	}
	return halt
}

func (r *Recovery) makeFailover(ctx context.Context, slot string) error {
	session, err := r.target.Replication(ctx)
	if err != nil {
		return err
	}
	defer session.Close(ctx) //nolint:errcheck // it ends with the process at the latest
	return provision.MakeFailover(ctx, session, slot)
}
