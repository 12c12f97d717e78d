package relay

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/lograte"
	"github.com/walpost/walpost/internal/pgname"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/postgres/provision"
)

const (
	pruneCheck = 100 * time.Millisecond // how often the slot is read to see whether a batch is confirmed
	pruneWait  = 10 * time.Second       // how long, until the batch is left to the next round
	// pruneLimits keep a deletion from blocking other sessions.
	pruneLimits = "SET lock_timeout = '2s'; SET statement_timeout = '60s'"
)

// Prune is what the relay deletes, and how often.
type Prune struct {
	provision.Pruning

	Every time.Duration
}

// pruner deletes confirmed rows from time to time, as long as this relay streams. It has a
// connection of its own, which it closes between rounds. A failure is a condition and a line
// in the log, and is tried again. One pruner runs at a time, and only its goroutine touches
// its fields.
type pruner struct {
	*shared

	what  *Prune
	lines lograte.Line
}

// run prunes until ctx ends. near is the server of the stream.
func (p *pruner) run(ctx context.Context, near postgres.Target) {
	defer p.seen.Pruned(nil, nil) // after this stream, another relay may prune
	next := time.NewTimer(pruneCheck)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-next.C:
		}
		if !p.catalog.checked.Load() { // rows that Postgres skipped could not be recognised
			next.Reset(pruneCheck)
			continue
		}
		rows, stay, err := p.round(ctx, near)
		if ctx.Err() != nil {
			return
		}
		p.report(rows, stay, err)
		next.Reset(p.what.Every)
	}
}

// report notes and logs how a round went.
func (p *pruner) report(rows int64, stay []provision.Uncarried, err error) {
	p.seen.Pruned(stay, err)
	if rows > 0 {
		p.log.Debug("pruned the outbox", zap.Int64("rows", rows))
	}
	if err != nil && p.lines.Allow() {
		p.log.Warn("the outbox cannot be pruned", zap.Error(err))
	}
}

// round deletes batch after batch until nothing is left, or the slot does not advance.
// Then it counts the rows that it must not delete.
func (p *pruner) round(ctx context.Context, near postgres.Target) (rows int64, stay []provision.Uncarried, err error) {
	dial, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	conn, err := near.SQL(dial)
	if err != nil {
		return 0, nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // what it has done is committed
	if _, err := conn.Exec(ctx, pruneLimits); err != nil {
		return 0, nil, postgres.Classify("set timeouts", err)
	}
	if rows, err = p.batches(ctx, conn); err != nil {
		return rows, nil, err
	}
	stay, err = p.what.Uncarried(ctx, conn)
	return rows, stay, err
}

func (p *pruner) batches(ctx context.Context, conn *pgx.Conn) (rows int64, err error) {
	what := p.what.Pruning
	if what.Partitions {
		if what.Default, err = p.dropPartitions(ctx, conn, what); err != nil || what.Default.IsZero() {
			return 0, err
		}
	}
	for last := false; !last; {
		batch, err := what.Pick(ctx, conn)
		if err != nil {
			return rows, err
		}
		what, last = what.Behind(batch), batch.Last()
		if batch.Rows == 0 {
			continue
		}
		if yes, err := p.mayDelete(ctx, conn, batch.LSN); err != nil || !yes {
			return rows, err
		}
		deleted, err := what.Delete(ctx, conn, batch)
		rows += deleted
		p.observer.Pruned(int(deleted))
		if err != nil {
			return rows, err
		}
	}
	return rows, nil
}

// dropPartitions drops old partitions, and returns the partition in which rows are left to
// delete; zero: none.
func (p *pruner) dropPartitions(ctx context.Context, conn *pgx.Conn, what provision.Pruning) (pgname.Table, error) {
	for {
		dropped, err := what.DropPartitions(ctx, conn, func(lsn string) (bool, error) { return p.mayDelete(ctx, conn, lsn) })
		if err != nil {
			return pgname.Table{}, err
		}
		if len(dropped) == 0 {
			return what.DefaultPartition(ctx, conn)
		}
		p.log.Info("dropped partitions of the outbox", zap.Strings("partitions", dropped))
	}
}

// mayDelete reports whether everything that had committed at the LSN was published. The slot
// passes rows that Postgres skips too: so what the guard checks must be as it was.
func (p *pruner) mayDelete(ctx context.Context, conn *pgx.Conn, lsn string) (bool, error) {
	if yes, err := p.awaitConfirmed(ctx, conn, lsn); err != nil || !yes {
		return false, err
	}
	_, change, err := p.catalog.compare(ctx, conn, &p.opts)
	return err == nil && change == nil, errors.Join(err, change)
}

// awaitConfirmed waits a while until the slot has passed the batch. While Kafka is
// unavailable it does not, and that is no fault of pruning.
func (p *pruner) awaitConfirmed(ctx context.Context, conn *pgx.Conn, lsn string) (bool, error) {
	deadline := time.Now().Add(pruneWait)
	tick := time.NewTicker(pruneCheck)
	defer tick.Stop()
	for {
		confirmed, err := catalog.Confirmed(ctx, conn, p.opts.Objects.Slot, lsn)
		if err != nil || confirmed || time.Now().After(deadline) {
			return confirmed, err
		}
		select {
		case <-ctx.Done():
			return false, context.Cause(ctx)
		case <-tick.C:
		}
	}
}
