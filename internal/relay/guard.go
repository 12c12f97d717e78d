package relay

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/lograte"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/status"
)

const (
	// guardEvery is how often publication and table are checked while LSNs arrive. Rows
	// that the server skips are WAL too: when it has decoded up to the end, it sends a
	// keepalive with a new LSN, and the guard checks.
	guardEvery = 3 * time.Second
	// guardIdle is how often they are checked while nothing arrives: as often as the stream
	// sends its status. It bounds how long rows may be skipped by a server that is busy with
	// WAL of other tables, and sends no keepalive meanwhile.
	guardIdle = 10 * time.Second
	// minGuardPause is the shortest time between two checks for which the guard must connect.
	minGuardPause = time.Second
)

// guard ends the stream with a *Halt when publication or table change so that rows are
// skipped: Postgres itself reports nothing (before version 18 it reports a dropped
// publication only). It has a connection of its own, because the stream's accepts no
// queries. On that connection it also notices that Postgres is shutting down. One guard
// runs at a time, and only its goroutine touches its fields.
type guard struct {
	*shared

	unchanged time.Time // when publication and table were last seen as they should be; zero: never
	held      bool      // the walsender waited for a standby at the last check
	lines     lograte.Line
}

// run guards one stream, until ctx ends. near is the server of the stream.
func (g *guard) run(ctx context.Context, near postgres.Target, end context.CancelCauseFunc) {
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
		g.stats.walProgress.Arm()
		if conn == nil {
			var err error
			if conn, err = near.SQL(ctx); err != nil {
				conn = nil
				g.unguarded(ctx, err)
				if shuttingDown(err) {
					g.disconnectIfStalled(ctx, end)
				}
			}
		}
		if conn != nil {
			halt, err := g.inspect(ctx, conn)
			if err != nil {
				closing()
				g.unguarded(ctx, err)
			}
			if halt != nil {
				end(halt)
				return
			}
		}
		idle := conn != nil && !g.held && g.state.Status().State == status.Streaming
		ended, stopWatching := watchConn(ctx, conn)
		again := g.awaitCheck(ctx, begun, idle, ended)
		stopWatching()
		if !again {
			return
		}
		if conn != nil && conn.IsClosed() {
			conn = nil
		}
	}
}

// awaitCheck waits until the guard checks again, which is sooner if its connection ends.
// It reports whether ctx is still alive.
func (g *guard) awaitCheck(ctx context.Context, last time.Time, idle bool, ended <-chan struct{}) bool {
	timer := time.NewTimer(time.Until(last.Add(g.timing.guardIdle)))
	defer timer.Stop()
	progress := g.stats.walProgress.C()
	if !idle {
		progress = nil
		timer.Reset(time.Until(last.Add(guardEvery)))
	}
	for {
		select {
		case <-ctx.Done():
			return false
		case <-timer.C:
			return true
		case <-progress:
			progress = nil
			timer.Reset(time.Until(last.Add(guardEvery)))
		case <-ended:
			ended = nil
			timer.Reset(time.Until(last.Add(minGuardPause)))
		}
	}
}

// inspect compares what is there now with what was there at first.
func (g *guard) inspect(ctx context.Context, conn *pgx.Conn) (*status.Halt, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if halt, err := g.inspectTable(ctx, conn); halt != nil || err != nil {
		return halt, err
	}
	g.catalog.checked.Store(true)
	slot, err := catalog.ReadSlot(ctx, conn, g.opts.Objects.Slot)
	if err != nil {
		return nil, err
	}
	g.seen.SetSlot(slot)
	waits, err := catalog.WaitsForStandby(ctx, conn, g.opts.Objects.Slot)
	if err != nil {
		return nil, err
	}
	g.refreshStandby(waits)
	return nil, nil
}

// inspectTable checks what decides which rows are in the stream. Nothing keeps
// messages out of it: without the publication Postgres sends them all the same, and
// before version 18 an error at the first change of a table.
func (g *guard) inspectTable(ctx context.Context, conn *pgx.Conn) (*status.Halt, error) {
	if g.opts.messages() {
		return nil, nil
	}
	now, change, err := g.catalog.compare(ctx, conn, &g.opts)
	if err != nil {
		return nil, err
	}
	if change != nil {
		detail := change.Error()
		if !g.unchanged.IsZero() {
			detail += "; " + time.Since(g.unchanged).Round(100*time.Millisecond).String() + " ago it was as it should be"
		}
		return &status.Halt{
			Code: status.ExitHalted, Reason: "rows are being skipped", Detail: detail,
			Hint: "fix it, then `walpost recover -c " + g.opts.Hints.File +
				"` publishes what was skipped from the table; `walpost audit` shows what is missing",
		}, nil
	}
	g.catalog.last.Store(now)
	g.unchanged = time.Now()
	return nil, nil
}

// refreshStandby distinguishes "Postgres holds events back" from "there are none". It
// changes the state only when two checks in a row agree: one may have met a short wait.
func (g *guard) refreshStandby(waits bool) {
	if waits && g.held {
		g.state.Change(status.WaitingForStandby, "the walsender waits for a physical standby to have the events",
			"a standby named in synchronized_standby_slots is down or behind: repair it, or remove it from the setting",
			[]status.State{status.Streaming, status.Throttled})
	} else if g.held && !waits {
		g.state.Swap(status.Streaming, "", status.WaitingForStandby)
		g.changed.Notify() // the in-flight budget may be used up by now
	}
	g.held = waits
}

// unguarded logs, rarely, that the guard cannot check.
func (g *guard) unguarded(ctx context.Context, err error) {
	if ctx.Err() != nil || !g.lines.Allow() {
		return
	}
	g.log.Warn("publication and table cannot be checked", zap.Error(err))
}
