package projection

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/walpost/walpost/internal/backoff"
	"github.com/walpost/walpost/internal/kafka/read"
	"github.com/walpost/walpost/pkg/inbox"
)

// Rebuild builds the tables anew from Config.Start on, and puts them in the place of
// those in use. Run may be at work meanwhile, here or elsewhere, and goes on with the
// new tables. A rebuild that was cancelled or killed goes on where it was at the next
// call; [Projection.DropRebuild] gives it up.
//
// The new tables are made LIKE the old INCLUDING ALL: columns, defaults, constraints,
// indexes, identity. Foreign keys, triggers and rights are not copied, and a default
// that draws from a sequence of the old table stops the swap: use GENERATED AS
// IDENTITY. To change the columns, make the tables TABLE__rebuild yourself before the
// first call.
//
// It returns nil when the new tables are in place. ErrConfig: there are no tables.
// What ends Run ends it too, and ErrSwap.
func (p *Projection) Rebuild(ctx context.Context) error {
	if len(p.config.Tables) == 0 {
		return fmt.Errorf("%w: Tables: want the tables to rebuild", ErrConfig)
	}
	for attempts := 1; ; attempts++ {
		err := p.prepare(ctx) // each time: a swap whose answer was lost has taken the tables away
		if err == nil {
			err = p.buildAndSwap(ctx)
		}
		if err == nil {
			p.config.Log.Info("projection: rebuilt", slog.String("projection", p.config.Name))
			return nil
		}
		if !passes(err) || errors.Is(err, ctx.Err()) {
			return err
		}
		if !p.again(ctx, attempts, "rebuild", err) {
			return ctx.Err()
		}
	}
}

// DropRebuild drops what a rebuild that is not at work has left.
func (p *Projection) DropRebuild(ctx context.Context) error {
	return p.transact(ctx, func(ctx context.Context, tx transaction) error {
		if _, err := tx.exec(ctx, "DELETE FROM "+p.config.Position+" WHERE projection = $1::text", p.rebuildKey()); err != nil {
			return fmt.Errorf("delete from %s: %w", p.config.Position, err)
		}
		for _, table := range p.config.Tables {
			if _, err := tx.exec(ctx, "DROP TABLE IF EXISTS "+shadowOf(table)); err != nil {
				return fmt.Errorf("drop %s: %w", shadowOf(table), err)
			}
		}
		return nil
	})
}

func (p *Projection) rebuildKey() string { return p.config.Name + "/rebuild" }

func shadowOf(table string) string { return table + shadowSuffix }

// prepare creates the tables that are missing. With the rows of an earlier call they are
// those it has left; without, they must be empty.
func (p *Projection) prepare(ctx context.Context) error {
	return p.transact(ctx, func(ctx context.Context, tx transaction) error {
		for _, table := range p.config.Tables {
			if _, err := tx.exec(ctx, "CREATE TABLE IF NOT EXISTS "+shadowOf(table)+" (LIKE "+table+" INCLUDING ALL)"); err != nil {
				return fmt.Errorf("create %s: %w", shadowOf(table), err)
			}
		}
		marks, err := positions{p.config.Position, p.rebuildKey()}.load(ctx, tx, false)
		if err != nil || len(marks) > 0 {
			return err
		}
		for _, table := range p.config.Tables {
			var filled bool
			if err := tx.scan(ctx, []any{&filled}, "SELECT EXISTS (SELECT FROM "+shadowOf(table)+")"); err != nil {
				return fmt.Errorf("look into %s: %w", shadowOf(table), err)
			}
			if filled {
				return fmt.Errorf("%w: table %s has rows, and no rebuild has a position: drop it, or empty it", ErrConfig, shadowOf(table))
			}
		}
		return nil
	})
}

// buildAndSwap reads until the new tables are as far as Kafka and the old tables
// are, and swaps.
func (p *Projection) buildAndSwap(ctx context.Context) error {
	reading, stop := context.WithCancel(ctx)
	defer stop()
	f := p.newFeed(p.rebuildKey(), true)
	running, failed := context.WithCancelCause(reading)
	defer failed(nil)
	if err := f.start(running, failed); err != nil {
		return err
	}
	defer f.close()
	defer failed(nil) // before close, which waits for the readers
	if err := f.await(running, func(_ source, r *reader) bool { return r.reached(running, r.target) }); err != nil {
		return err
	}
	return p.transact(ctx, func(limited context.Context, tx transaction) error {
		return p.swap(limited, running, tx, f, failed)
	})
}

// await waits until every reader is so.
func (f *feed) await(ctx context.Context, is func(source, *reader) bool) error {
	const every = 20 * time.Millisecond
	for !f.all(is) {
		if backoff.Sleep(ctx, every) != nil {
			return context.Cause(ctx)
		}
	}
	return context.Cause(ctx)
}

// errStopped ends the readers of a rebuild that is done.
var errStopped = errors.New("projection: the rebuild is complete")

// swap puts the new tables in the place of the old. It locks the positions of the
// tables in use first, as their transactions do: so these stand still, and the new
// tables can come as far as they are.
func (p *Projection) swap(ctx, running context.Context, tx transaction, f *feed, failed context.CancelCauseFunc) error {
	if _, err := tx.exec(ctx, "SELECT set_config('lock_timeout', '5s', true), set_config('idle_in_transaction_session_timeout', "+
		"$1::text, true)", p.idle()); err != nil {
		return fmt.Errorf("swap: %w", err)
	}
	inUse := positions{p.config.Position, p.config.Name}
	marks, err := inUse.load(ctx, tx, true)
	if err != nil {
		return err
	}
	catchUp, cancel := context.WithTimeoutCause(running, p.config.AttemptTimeout/2, errBehind)
	defer cancel()
	caughtUp := func(s source, r *reader) bool {
		if read.IsAnotherTopic(marks[s].topicID, r.began.topicID) {
			return true // the tables in use are of the topic before
		}
		return r.reached(catchUp, marks[s].next)
	}
	if err := f.await(catchUp, caughtUp); err != nil {
		return err
	}
	failed(errStopped)
	f.readers.Wait()
	if err := p.exchangeTables(ctx, tx); err != nil {
		return err
	}
	generation := int64(0)
	for _, m := range marks {
		generation = max(generation, m.generation)
	}
	return p.exchangeMarks(ctx, tx, inUse, generation+1)
}

// exchangeTables drops the tables in use, and gives the new ones their names.
func (p *Projection) exchangeTables(ctx context.Context, tx transaction) error {
	for _, table := range p.config.Tables {
		for _, statement := range []string{
			"DROP TABLE " + table,
			"ALTER TABLE " + shadowOf(table) + " RENAME TO " + baseOf(table),
		} {
			if _, err := tx.exec(ctx, statement); err != nil {
				return refused(table, err)
			}
		}
	}
	return nil
}

// exchangeMarks makes the positions of the new tables those in use, as a generation.
func (p *Projection) exchangeMarks(ctx context.Context, tx transaction, inUse positions, generation int64) error {
	if _, err := tx.exec(ctx, "DELETE FROM "+inUse.table+" WHERE projection = $1::text", inUse.key); err != nil {
		return fmt.Errorf("swap: %w", err)
	}
	_, err := tx.exec(ctx, "UPDATE "+inUse.table+" SET projection = $1::text, generation = $2::text::bigint WHERE projection = $3::text",
		inUse.key, number(generation), p.rebuildKey())
	if err != nil {
		return fmt.Errorf("swap: %w", err)
	}
	return nil
}

// ErrSwap means that something stands in the way of the swap, such as a view on an old
// table. Nothing was changed; Rebuild goes on with the swap when it is called again.
var ErrSwap = errors.New("projection: the new tables are complete, and cannot take the place of the old")

// refused tells what stands in the way from what passes, such as a lock.
func refused(table string, err error) error {
	if inbox.Classify(err) == inbox.Unclassified {
		return fmt.Errorf("%w: %s: %w", ErrSwap, table, err)
	}
	return fmt.Errorf("swap %s: %w", table, err)
}

// errBehind passes: the next try comes nearer.
var errBehind = errors.New("projection: the rebuild did not come as far as the tables in use in time")
