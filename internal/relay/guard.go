package relay

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/status"
	"github.com/walpost/walpost/internal/wiring"
)

const (
	// guardEvery is how often publication and table are looked at while the server
	// goes on in the WAL. Rows that it skips are WAL too: it tells of them by a
	// keepalive when it has come to the end, and then the guard looks.
	guardEvery = 3 * time.Second
	// guardIdle is how often while nothing comes: as often as the stream's status goes
	// out. It bounds how long rows may be skipped by a server that is busy with WAL of
	// other tables, and tells of nothing meanwhile.
	guardIdle = 10 * time.Second
	// guardLeast is the least time between two looks of one that connects again.
	guardLeast = time.Second
)

// guard ends the stream with a *Halt when publication or table change so that
// rows are skipped: Postgres itself says nothing (before version 18 it says so
// for a dropped publication only). It has a connection of its own, because the
// stream's does not take queries, and on which it hears that Postgres is shutting down.
func (r *Relay) guard(ctx context.Context, end context.CancelCauseFunc) {
	var conn *pgx.Conn
	closing := func() {
		if conn != nil {
			_ = conn.Close(context.WithoutCancel(ctx))
			conn = nil
		}
	}
	defer closing()
	for {
		begun := time.Now()
		r.pipeline.stir.listen()
		if conn == nil {
			var err error
			if conn, err = r.near.SQL(ctx); err != nil {
				conn = nil
				r.unguarded(ctx, err)
				if shutsDown(err) {
					r.letGo(ctx, end)
				}
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
		idle := conn != nil && !r.waited && r.state.get().State == status.Streaming
		ended, silence := listen(ctx, conn)
		again := r.untilLook(ctx, begun, idle, ended)
		silence()
		if !again {
			return
		}
		if conn != nil && conn.IsClosed() {
			conn = nil
		}
	}
}

// untilLook waits for the time of the guard's next look, which comes sooner when its
// connection has ended; false: ctx has ended.
func (r *Relay) untilLook(ctx context.Context, last time.Time, idle bool, ended <-chan struct{}) bool {
	timer := time.NewTimer(time.Until(last.Add(r.guardIdle)))
	defer timer.Stop()
	told := r.pipeline.stir.told
	if !idle {
		told = nil
		timer.Reset(time.Until(last.Add(guardEvery)))
	}
	for {
		select {
		case <-ctx.Done():
			return false
		case <-timer.C:
			return true
		case <-told:
			told = nil
			timer.Reset(time.Until(last.Add(guardEvery)))
		case <-ended:
			ended = nil
			timer.Reset(time.Until(last.Add(guardLeast)))
		}
	}
}

// inspectGuarded compares what is there now with what was there at first.
func (r *Relay) inspectGuarded(ctx context.Context, conn *pgx.Conn) (*status.Halt, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if halt, err := r.inspectTable(ctx, conn); halt != nil || err != nil {
		return halt, err
	}
	r.guardedOnce.Store(true)
	slot, err := catalog.ReadSlot(ctx, conn, r.cfg.Postgres.Slot)
	if err != nil {
		return nil, err
	}
	r.seen.sawSlot(slot)
	waits, err := catalog.WaitsForStandby(ctx, conn, r.cfg.Postgres.Slot)
	if err != nil {
		return nil, err
	}
	r.judgeStandby(waits)
	return nil, nil
}

// inspectTable looks at what decides which rows are in the stream. Nothing keeps
// messages out of it: without the publication Postgres sends them all the same, and
// before version 18 an error at the first change of a table.
func (r *Relay) inspectTable(ctx context.Context, conn *pgx.Conn) (*status.Halt, error) {
	if r.cfg.Outbox.Messages() {
		return nil, nil
	}
	now, change, err := r.guardedChange(ctx, conn)
	if err != nil {
		return nil, err
	}
	if change != nil {
		detail := change.Error()
		if !r.guardedAt.IsZero() {
			detail += "; " + time.Since(r.guardedAt).Round(100*time.Millisecond).String() + " ago it was as it should be"
		}
		return &status.Halt{
			Code: status.ExitHalted, Reason: "rows are being skipped", Detail: detail,
			Hint: "fix it, then `walpost recover -c " + r.cfg.File + "` publishes what was skipped from the table; `walpost audit` shows what is missing",
		}, nil
	}
	r.guarded.Store(now)
	r.guardedAt = time.Now()
	return nil, nil
}

// guardedChange says what differs from the guard's last look, or is wrong at the first.
func (r *Relay) guardedChange(ctx context.Context, conn *pgx.Conn) (now *catalog.Snapshot, change, err error) {
	names := wiring.Names(r.cfg)
	if now, err = catalog.ReadSnapshot(ctx, conn, names, wiring.Columns(r.cfg)); err != nil {
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
		r.state.change(status.WaitingForStandby, "the walsender waits for a physical standby to have the events",
			"a standby named in synchronized_standby_slots is down or behind: repair it, or remove it from the setting", []status.State{status.Streaming, status.Throttled})
	} else if r.waited && !waits {
		r.state.swap(status.Streaming, "", status.WaitingForStandby)
		r.changed.give() // it may be full since
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
