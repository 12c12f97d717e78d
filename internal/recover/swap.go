package recover

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/postgres/provision"
	"github.com/walpost/walpost/internal/status"
)

// dropLeftover removes the slot of the temporary name, if there is one.
func (r *Recovery) dropLeftover(ctx context.Context) error {
	_, err := provision.DropSlot(ctx, r.conn, TemporaryName(r.Config.Postgres.Slot))
	return err
}

// discard removes the new slot after a failure, so that it keeps no WAL. It uses
// a connection of its own: what failed may be the other one.
func (r *Recovery) discard(ctx context.Context) {
	slot := TemporaryName(r.Config.Postgres.Slot)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	conn, err := r.target.SQL(ctx)
	if err == nil {
		defer postgres.HangUp(ctx, conn)
		_, err = provision.DropSlot(ctx, conn, slot)
	}
	if err != nil {
		r.Log.Warn("the new slot could not be removed and keeps WAL: run "+r.command()+" again, or drop it",
			zap.String("slot", slot), zap.Error(err), zap.String("hint", "SELECT pg_drop_replication_slot('"+slot+"')"))
	}
}

// swapTimeout is for a few commands that touch the catalogue of slots only.
const swapTimeout = time.Minute

// swap gives the new slot its name: Postgres cannot rename a slot, but a copy
// streams from where its original does. From the drop on it goes through with it,
// whoever asks to stop.
func (r *Recovery) swap(ctx context.Context, point pgoutput.LSN, report func(Stage)) error {
	slot, temporary := r.Config.Postgres.Slot, TemporaryName(r.Config.Postgres.Slot)
	if err := r.intact(ctx, temporary, point); err != nil {
		r.discard(ctx)
		return err
	}
	if err := r.makeRoom(ctx, slot); err != nil {
		r.discard(ctx)
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), swapTimeout)
	defer cancel()
	report(Dropped)
	if err := r.copySlot(ctx, temporary, slot); err != nil {
		return err
	}
	report(Copied)
	return nil
}

// copySlot gives the new slot its name.
func (r *Recovery) copySlot(ctx context.Context, temporary, slot string) error {
	if err := provision.CopySlot(ctx, r.conn, temporary, slot); err != nil {
		if r.First && postgres.KindOf(err) == postgres.Exists { // made this very moment
			return errors.Join(r.madeBySomebody(slot), r.mark(ctx, catalog.PublishingComment))
		}
		return &status.Halt{
			Code: status.ExitHalted, Reason: "everything is published, but the new slot could not be given its name",
			Detail: err.Error(),
			Hint: fmt.Sprintf("SELECT pg_copy_logical_replication_slot('%s', '%s'); "+
				"SELECT pg_drop_replication_slot('%[1]s'); or run %[3]s again", temporary, slot, r.command()),
		}
	}
	return nil
}

// makeRoom drops the old slot. A first start has none: its publication says from here on that
// a slot of the name is the one that is copied.
func (r *Recovery) makeRoom(ctx context.Context, slot string) error {
	if !r.First {
		_, err := provision.DropSlot(ctx, r.conn, slot)
		return err
	}
	there, err := catalog.FindSlot(ctx, r.conn, slot)
	switch {
	case err != nil:
		return postgres.Classify("read slot "+slot, err)
	case there != nil:
		return r.madeBySomebody(slot)
	}
	return r.mark(ctx, catalog.PublishedComment)
}

// end does what is left when the slot has its name: it is no failover slot yet, as a copy is
// none, and the position and the mark of a first start are as they were. The slot of the
// temporary name goes after the position: as long as it is there, the next recovery does
// this again.
func (r *Recovery) end(ctx context.Context, point pgoutput.LSN, report func(Stage)) error {
	p := r.Config.Postgres
	if p.Failover {
		if err := r.makeFailover(ctx, p.Slot); err != nil {
			return err
		}
	}
	if err := r.setPosition(ctx, point); err != nil {
		return fmt.Errorf("everything is published and the slot is in place, but its position is not written: %w; "+
			"run %s again, which then does nothing else", err, r.command())
	}
	report(Positioned)
	dropping, done := context.WithTimeout(context.WithoutCancel(ctx), swapTimeout)
	defer done()
	if err := r.dropLeftover(dropping); err != nil {
		return err
	}
	if !r.First {
		return nil
	}
	return provision.FinishPublication(dropping, r.conn, p.Publication, p.Slot)
}

// intact refuses a new slot that was touched, or lost to
// max_slot_wal_keep_size, while rows were published.
func (r *Recovery) intact(ctx context.Context, slot string, point pgoutput.LSN) error {
	s, err := catalog.ReadSlot(ctx, r.conn, slot)
	if err != nil {
		return err
	}
	halt := &status.Halt{
		Code: status.ExitHalted, Reason: "the new slot did not last until everything was published",
		Hint: "run " + r.command() + " again",
	}
	switch {
	case s == nil:
		halt.Detail = slot + " is gone"
	case s.Lost():
		halt.Detail = slot + " is lost: " + s.Loss().Reason
		halt.Hint = s.Loss().Fix + ", and run " + r.command() + " again"
	case s.ConfirmedFlushLSN != point:
		halt.Detail = fmt.Sprintf("%s was moved from %s to %s by somebody", slot, point, s.ConfirmedFlushLSN)
	default:
		return nil
	}
	return halt
}

func (r *Recovery) makeFailover(ctx context.Context, slot string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), swapTimeout)
	defer cancel()
	session, err := r.target.Replication(ctx)
	if err != nil {
		return err
	}
	defer session.Close(ctx) //nolint:errcheck // it ends with the process at the latest
	return provision.MakeFailover(ctx, session, slot)
}
