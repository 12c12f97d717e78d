package relay

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/replication"
)

// guardEvery is how often publication and table are looked at while the stream
// runs. It bounds how long rows may be skipped before the relay halts.
const guardEvery = 3 * time.Second

// guard ends the stream with a *Halt when publication or table change so that
// rows are skipped: Postgres itself says nothing (before version 18 it says so
// for a dropped publication only). It has a connection of its own, because the
// stream's does not take queries.
func (r *Relay) guard(ctx context.Context, end context.CancelCauseFunc) {
	var conn *pgx.Conn
	closing := func() {
		if conn != nil {
			_ = conn.Close(context.WithoutCancel(ctx))
			conn = nil
		}
	}
	defer closing()
	tick := time.NewTicker(guardEvery)
	defer tick.Stop()
	for {
		if conn == nil {
			var err error
			if conn, err = r.target.SQL(ctx); err != nil {
				conn = nil
				r.unguarded(ctx, err)
			}
		}
		if conn != nil {
			halt, err := r.inspectGuarded(ctx, conn)
			if err != nil {
				closing()
				r.unguarded(ctx, err)
			}
			if halt != nil {
				end(halt)
				return
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// inspectGuarded compares what is there now with what was there at first.
func (r *Relay) inspectGuarded(ctx context.Context, conn *pgx.Conn) (*Halt, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if halt, err := r.inspectTable(ctx, conn); halt != nil || err != nil {
		return halt, err
	}
	r.guardedOnce.Store(true)
	slot, err := replication.ReadSlotStatus(ctx, conn, r.cfg.Postgres.Slot)
	if err != nil {
		return nil, err
	}
	r.seen.sawSlot(slot)
	waits, err := replication.WaitsForStandby(ctx, conn, r.cfg.Postgres.Slot)
	if err != nil {
		return nil, err
	}
	r.judgeStandby(waits)
	return nil, nil
}

// inspectTable looks at what decides which rows are in the stream. Nothing keeps
// messages out of it: without the publication Postgres sends them all the same, and
// before version 18 an error at the first change of a table.
func (r *Relay) inspectTable(ctx context.Context, conn *pgx.Conn) (*Halt, error) {
	if r.cfg.Outbox.Messages() {
		return nil, nil
	}
	now, change, err := r.guardedChange(ctx, conn)
	if err != nil {
		return nil, err
	}
	if change != nil {
		return &Halt{
			Code: ExitHalted, Reason: "rows are being skipped", Detail: change.Error() + "; this was seen within the last " + guardEvery.String(),
			Hint: "mend it, then `walpost recover -c " + r.cfg.File + "` publishes what was skipped from the table; `walpost audit` shows what is missing",
		}, nil
	}
	r.guarded.Store(now)
	return nil, nil
}

// guardedChange says what differs from the guard's last look, or is wrong at the first.
func (r *Relay) guardedChange(ctx context.Context, conn *pgx.Conn) (now *replication.Guarded, change, err error) {
	names := Names(r.cfg)
	if now, err = replication.ReadGuarded(ctx, conn, names); err != nil {
		return nil, nil, err
	}
	if last := r.guarded.Load(); last != nil {
		return now, last.Changed(now, names), nil
	}
	return now, now.Complete(names), nil
}

// judgeStandby tells "Postgres holds events back" from "there are none". Once seen
// may be a moment; twice is a state.
func (r *Relay) judgeStandby(waits bool) {
	if waits && r.waited {
		r.state.swapHint(WaitingForStandby, "the walsender waits for a physical standby to have the events",
			"a standby named in synchronized_standby_slots is down or behind: bring it back, or take it out of the setting", Streaming, Throttled)
	} else if !waits {
		r.state.swap(Streaming, "", WaitingForStandby)
	}
	r.waited = waits
}

// unguarded says, rarely, that the guard cannot look.
func (r *Relay) unguarded(ctx context.Context, err error) {
	if ctx.Err() != nil || time.Since(r.unguardedLogged) < logEvery {
		return
	}
	r.unguardedLogged = time.Now()
	r.log.Warn("publication and table cannot be looked at", zap.Error(err))
}

// Guarded tells that publication and table were looked at once: from then on a
// change is noticed.
func (r *Relay) Guarded() bool { return r.guardedOnce.Load() }
