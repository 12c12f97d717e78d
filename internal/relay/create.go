package relay

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/crash"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/postgres/provision"
	"github.com/walpost/walpost/internal/status"
)

// create creates publication and slot, in this order: a slot that is older than its
// publication cannot decode what was written in between. A publication that exists already
// is left from a first start that was interrupted. Creating the slot takes as long as the
// transactions that are writing.
func (l *loop) create(ctx context.Context, conn *pgx.Conn) error {
	limited, cancel := context.WithTimeout(ctx, l.timing.inspectTimeout)
	defer cancel()
	names := l.opts.Objects
	made, err := provision.CreatePublication(limited, conn, names.Publication, names.Table, l.opts.Columns,
		catalog.UnfinishedComment(names.Slot))
	if err != nil {
		return classifyStart(err)
	}
	crash.At(crash.PublicationCreated)
	if made {
		l.log.Info("created publication", zap.String("publication", l.opts.Objects.Publication))
	}
	session, err := l.opts.Target.Near(conn.PgConn()).Replication(limited)
	if err != nil {
		return classifyStart(err)
	}
	defer session.Close(context.WithoutCancel(ctx)) //nolint:errcheck // it ends with the process at the latest
	end := l.logWriters(ctx, "creating slot "+l.opts.Objects.Slot+" waits")
	slot, err := provision.CreateSlot(ctx, session, l.opts.Objects.Slot, l.opts.Failover)
	end()
	if err != nil {
		return classifyStart(err)
	}
	if l.resumer != nil && slot.Created {
		l.resumer.Created()
	}
	if !slot.Created { // another connection has created it meanwhile
		return nil
	}
	crash.At(crash.SlotCreated)
	fields := []zap.Field{zap.String("slot", l.opts.Objects.Slot), zap.Stringer("consistent_point", slot.ConsistentPoint)}
	if rows, known := l.rowsBefore(ctx); known {
		fields = append(fields, zap.Int64("rows_before_it_not_published", rows))
	}
	l.log.Info("created slot", fields...)
	return nil
}

// rowsBefore counts the rows that the slot does not publish, over a connection of its
// own: the start's may have been idle for hours.
func (l *loop) rowsBefore(ctx context.Context) (rows int64, known bool) {
	if l.opts.messages() {
		return 0, false
	}
	ctx, cancel := context.WithTimeout(ctx, l.timing.inspectTimeout)
	defer cancel()
	conn, err := l.opts.Target.SQL(ctx)
	if err != nil {
		return 0, false
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // it was read from only
	rows, known, err = catalog.CountRows(ctx, conn, l.opts.Objects.Table, l.opts.Columns.Filter)
	return rows, known && err == nil
}

// awaitSlot waits for a slot that another connection is creating: `init`, a second
// relay, or the backend of a start that was killed, which its server has not noticed.
func (l *loop) awaitSlot(ctx context.Context, conn *pgx.Conn, backend int) error {
	end := l.logWriters(ctx, fmt.Sprintf("slot %s is being made by backend %d, which waits", l.opts.Objects.Slot, backend))
	defer end()
	_, err := provision.AwaitSlot(ctx, conn, l.opts.Objects.Slot)
	return classifyStart(err)
}

// slowSlot is how long creating a slot may take before the log says what it waits for.
const slowSlot = time.Second

// logWriters logs which open transaction the creation of the slot waits for, until the
// caller ends it.
func (l *loop) logWriters(ctx context.Context, what string) (end func()) {
	return provision.WatchWriters(ctx, l.opts.Target, slowSlot, func(w *catalog.Writer) {
		if w == nil {
			return // it is not known
		}
		reason := what + " for " + w.Text
		l.state.Set(status.Verifying, reason, w.Fix)
		if l.writersLogged.Allow() {
			l.log.Warn(reason, zap.String("hint", w.Fix))
		}
	})
}
