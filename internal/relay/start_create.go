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
	"github.com/walpost/walpost/internal/wiring"
)

// create makes publication and slot, in this order: a slot made first cannot
// decode what was written before its publication. A publication that is there is one
// of a first start that was cut. Making the slot takes as long as the transactions
// that are writing.
func (r *Relay) create(ctx context.Context, conn *pgx.Conn) error {
	limited, cancel := context.WithTimeout(ctx, r.startLook)
	defer cancel()
	made, err := provision.CreatePublication(limited, conn, r.cfg.Postgres.Publication, wiring.Table(r.cfg), wiring.Columns(r.cfg), r.cfg.Postgres.Slot)
	if err != nil {
		return definite(err)
	}
	crash.At(crash.PublicationCreated)
	if made {
		r.log.Info("created publication", zap.String("publication", r.cfg.Postgres.Publication))
	}
	session, err := r.target.Near(conn.PgConn()).Replication(limited)
	if err != nil {
		return definite(err)
	}
	defer session.Close(context.WithoutCancel(ctx)) //nolint:errcheck // it ends with the process at the latest
	told := r.tellWriters(ctx, "creating slot "+r.cfg.Postgres.Slot+" waits")
	slot, err := provision.CreateSlot(ctx, session, r.cfg.Postgres.Slot, r.cfg.Postgres.Failover)
	told()
	if err != nil {
		return definite(err)
	}
	if !slot.Created { // by somebody else in between
		return nil
	}
	crash.At(crash.SlotCreated)
	fields := []zap.Field{zap.String("slot", r.cfg.Postgres.Slot), zap.Stringer("consistent_point", slot.ConsistentPoint)}
	if rows, known := r.rowsBefore(ctx); known {
		fields = append(fields, zap.Int64("rows_before_it_not_published", rows))
	}
	r.log.Info("created slot", fields...)
	return nil
}

// rowsBefore counts the rows that the slot does not publish, over a connection of its
// own: the start's may have been idle for hours.
func (r *Relay) rowsBefore(ctx context.Context) (rows int64, known bool) {
	if r.cfg.Outbox.Messages() {
		return 0, false
	}
	ctx, cancel := context.WithTimeout(ctx, r.startLook)
	defer cancel()
	conn, err := r.target.SQL(ctx)
	if err != nil {
		return 0, false
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // it was read from only
	rows, known, err = catalog.CountRows(ctx, conn, wiring.Table(r.cfg))
	return rows, known && err == nil
}

// awaitSlot waits for a slot that another connection is making: `init`, a second
// relay, or the backend of a start that was killed, which its server does not notice.
func (r *Relay) awaitSlot(ctx context.Context, conn *pgx.Conn, backend int) error {
	told := r.tellWriters(ctx, fmt.Sprintf("slot %s is being made by backend %d, which waits", r.cfg.Postgres.Slot, backend))
	defer told()
	_, err := provision.AwaitSlot(ctx, conn, r.cfg.Postgres.Slot)
	return definite(err)
}

// slowSlot is how long the making of a slot may take before it is said what it waits
// for.
const slowSlot = time.Second

// tellWriters says which open transaction the making of the slot waits for, until
// the caller ends it.
func (r *Relay) tellWriters(ctx context.Context, what string) (end func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		var conn *pgx.Conn
		tick := time.NewTicker(slowSlot)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				if conn != nil {
					_ = conn.Close(context.WithoutCancel(ctx)) // it was read from only
				}
				return
			case <-tick.C:
			}
			conn = r.tellWriter(ctx, conn, what)
		}
	}()
	return func() {
		cancel()
		<-ended
	}
}

// tellWriter looks once, over the connection of before where it lasts, and gives the
// one to use next.
func (r *Relay) tellWriter(ctx context.Context, conn *pgx.Conn, what string) *pgx.Conn {
	ctx, cancel := context.WithTimeout(ctx, r.startLook)
	defer cancel()
	if conn == nil {
		var err error
		if conn, err = r.target.SQL(ctx); err != nil {
			return nil // making the slot says what is wrong
		}
	}
	w, err := catalog.OldestWriter(ctx, conn)
	if err != nil {
		_ = conn.Close(context.WithoutCancel(ctx))
		return nil
	}
	if w == nil {
		return conn
	}
	reason := what + " for " + w.Text
	r.state.set(status.Verifying, reason, w.Fix)
	if time.Since(r.logged) >= logEvery {
		r.logged = time.Now()
		r.log.Warn(reason, zap.String("hint", w.Fix))
	}
	return conn
}
