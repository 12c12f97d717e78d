package relay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/crash"
	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/replication"
	"github.com/walpost/walpost/internal/router"
)

// verifyStart judges the requirements of a start and creates publication and slot
// at the first one. A server that cannot be reached is an error to wait out; one
// that answers with what waiting does not change is a *Halt with code 3 or 4.
func (r *Relay) verifyStart(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	conn, err := r.target.SQL(ctx)
	if err != nil {
		return definite(err)
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // it was read from only
	r.state.set(Verifying, "", "")
	inspection, err := replication.Inspect(ctx, conn, Names(r.cfg))
	if err != nil {
		return definite(err)
	}
	wanted, err := r.wanted(ctx, conn)
	if err != nil {
		return err
	}
	list := inspection.Requirements(wanted)
	for _, q := range list {
		if q.State == replication.Warning {
			r.log.Warn("requirement", zap.String("name", q.Name), zap.String("detail", q.Detail), zap.String("fix", q.Fix))
		}
	}
	if fault := replication.JudgeStart(list); fault != nil {
		return &Halt{
			Code: fault.Exit, Reason: "the requirements for a start are not met", Detail: fault.Error(),
			Hint: "`walpost check -c " + r.cfg.File + "` shows them all",
		}
	}
	if inspection.Table != nil && inspection.Slot == nil {
		r.pipeline.oid = inspection.Table.OID
	}
	if inspection.Slot != nil || inspection.Publication != nil {
		return nil
	}
	return r.create(ctx, conn)
}

// wanted is what the configuration asks of the database.
func (r *Relay) wanted(context.Context, *pgx.Conn) (replication.Wanted, error) {
	mode, err := r.target.TLSMode()
	if err != nil {
		return replication.Wanted{}, definite(err)
	}
	return replication.Wanted{
		Columns: Columns(r.cfg), CheckColumns: CheckColumns(r.pipeline.router, nil), Prune: Pruning(r.cfg),
		AnyWriter: r.cfg.Outbox.AnyWriter(), Create: r.cfg.Postgres.Create, Failover: r.cfg.Postgres.Failover, TLS: mode,
	}, nil
}

// CheckColumns judges the types of the outbox's columns as `check` prints it.
func CheckColumns(rt *router.Router, types map[uint32]router.TypeInfo) func(*pgoutput.Relation) []replication.Requirement {
	return func(rel *pgoutput.Relation) []replication.Requirement {
		var list []replication.Requirement
		for _, f := range rt.Check(rel, types) {
			q := replication.Requirement{
				Name: "column " + f.Column, State: replication.Warning, Detail: f.Text, Fix: "see " + f.Key,
			}
			if f.Failed {
				q.State, q.Exit = replication.Failed, ExitRequirement
			}
			list = append(list, q)
		}
		return list
	}
}

// create makes publication and slot, in this order: a slot made first cannot
// decode what was written before its publication.
func (r *Relay) create(ctx context.Context, conn *pgx.Conn) error {
	made, err := replication.CreatePublication(ctx, conn, r.cfg.Postgres.Publication, Table(r.cfg))
	if err != nil {
		return definite(err)
	}
	crash.At(crash.PublicationCreated)
	if made {
		r.log.Info("created publication", zap.String("publication", r.cfg.Postgres.Publication))
	}
	session, err := r.target.Replication(ctx)
	if err != nil {
		return definite(err)
	}
	defer session.Close(context.WithoutCancel(ctx)) //nolint:errcheck // it ends with the process at the latest
	told := r.tellWriters(ctx, conn)
	slot, err := replication.CreateSlot(ctx, session, r.cfg.Postgres.Slot, r.cfg.Postgres.Failover)
	told()
	if err != nil {
		return definite(err)
	}
	if !slot.Created {
		return nil
	}
	crash.At(crash.SlotCreated)
	fields := []zap.Field{zap.String("slot", r.cfg.Postgres.Slot), zap.Stringer("consistent_point", slot.ConsistentPoint)}
	if r.cfg.Outbox.Messages() {
		r.log.Info("created slot", fields...)
		return nil
	}
	if rows, known, err := replication.CountRows(ctx, conn, Table(r.cfg)); err == nil && known {
		fields = append(fields, zap.Int64("rows_before_it_not_published", rows))
	}
	r.log.Info("created slot", fields...)
	return nil
}

// slowSlot is how long the making of a slot may take before it is said what it waits
// for.
const slowSlot = time.Second

// tellWriters says which open transaction the making of the slot waits for, until
// the caller ends it: the connection is its own for so long.
func (r *Relay) tellWriters(ctx context.Context, conn *pgx.Conn) (end func()) {
	finished, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(slowSlot)
		defer tick.Stop()
		for {
			select {
			case <-finished:
				return
			case <-tick.C:
			}
			w, err := replication.OldestWriter(ctx, conn)
			if err != nil || w == nil {
				continue // CreateSlot says what is wrong
			}
			reason := "creating slot " + r.cfg.Postgres.Slot + " waits for " + w.Text
			r.state.set(Verifying, reason, w.Fix)
			if time.Since(r.logged) >= logEvery {
				r.logged = time.Now()
				r.log.Warn(reason, zap.String("hint", w.Fix))
			}
		}
	}()
	return func() {
		close(finished)
		<-ended
	}
}

// definite turns an answer that waiting does not change into the end of the start.
func definite(err error) error {
	e, ok := errors.AsType[*replication.Error](err)
	if !ok || !e.Kind.Answered() {
		return err
	}
	bare := *e
	bare.Hint = ""
	return &Halt{Code: ExitRequirement, Reason: "Postgres refuses", Detail: bare.Error(), Hint: e.Hint}
}

// mismatch is a commit that does not close the transaction it follows.
func mismatch(begun, ended pgoutput.LSN) *Halt {
	return &Halt{
		Code: ExitHalted, Reason: "the replication stream contradicts itself",
		Detail: fmt.Sprintf("a transaction began with commit LSN %s and ended with %s", begun, ended),
	}
}
