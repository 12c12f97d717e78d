package projection

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/walpost/walpost/pkg/inbox"
	"github.com/walpost/walpost/pkg/projection/internal/backoff"
	"github.com/walpost/walpost/pkg/projection/internal/kafka/read"
)

// Rebuild builds the tables anew from Config.Start on, and puts them in the place of
// those in use. Run may be at work meanwhile, here or elsewhere, and goes on with the
// new tables. A rebuild that was cancelled or killed goes on where it was at the next
// call; [Projection.DropRebuild] gives it up.
//
// The new tables are made LIKE the old INCLUDING ALL, with foreign keys. At the end they
// get owner, rights, row-level security, names, comments and settings of the old ones.
// What cannot be kept, such as a view, is refused with ErrSwap before the work begins.
// To change the columns, make the tables TABLE__rebuild yourself before the first call,
// and set Config.Reshape.
//
// It returns nil when the new tables are in place. ErrConfig: there are no tables.
// What ends Run ends it too, and ErrSwap.
func (p *Projection) Rebuild(ctx context.Context) error {
	if len(p.config.Tables) == 0 {
		return badConfig("Tables", "want the tables to rebuild")
	}
	caller := ctx
	ctx, end := p.halting(caller)
	defer end()
	for attempts := 1; ; attempts++ {
		err := p.prepare(ctx) // each time: a swap whose answer was lost has taken the tables away
		if err == nil {
			err = p.buildAndSwap(ctx)
		}
		if err == nil {
			p.observe(inbox.Observation{Kind: inbox.KindRebuilt, Rebuild: true})
			return nil
		}
		if caller.Err() == nil && ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		if errors.Is(err, ctx.Err()) {
			return err
		}
		if !passes(err) {
			return p.stopped(true, err)
		}
		o := inbox.Observation{Kind: inbox.KindRetrying, Rebuild: true, Err: fmt.Errorf("projection: rebuild: %w", err)}
		if !p.again(ctx, attempts, o) {
			return ctx.Err()
		}
	}
}

// DropRebuild drops the tables and the position of a rebuild that is not running, so that
// the next Rebuild begins at Config.Start.
func (p *Projection) DropRebuild(ctx context.Context) error {
	if len(p.config.Tables) == 0 {
		return badConfig("Tables", "want the tables to rebuild")
	}
	return p.transact(ctx, func(ctx context.Context, tx transaction) error {
		if _, err := tx.Exec(ctx, "DELETE FROM "+p.config.Position+" WHERE projection = $1::text", p.rebuildKey()); err != nil {
			return fmt.Errorf("delete from %s: %w", p.config.Position, err)
		}
		var names []string
		for _, name := range p.config.Tables {
			names = append(names, shadowOf(name))
		}
		if _, err := tx.Exec(ctx, "DROP TABLE IF EXISTS "+strings.Join(names, ", ")); err != nil {
			return fmt.Errorf("drop %s: %w", strings.Join(names, ", "), err)
		}
		return nil
	})
}

func (p *Projection) rebuildKey() string { return p.config.Name + "/rebuild" }

func shadowOf(table string) string { return table + shadowSuffix }

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
	inUse := positions{p.config.Position, p.config.Name}
	marks, err := p.holdStill(ctx, tx, inUse)
	if err != nil {
		return err
	}
	if err := f.hasAll(marks); err != nil {
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
	return p.exchangeMarks(ctx, tx, inUse, marks)
}

// hasAll returns an error, which passes, if the tables in use have records of a partition
// that the rebuild does not read: it was added meanwhile, and the next try begins with it.
func (f *feed) hasAll(marks map[source]mark) error {
	unread, err := f.sources()
	if err != nil {
		return err
	}
	for _, s := range unread {
		if _, ok := marks[s]; ok {
			return fmt.Errorf("%w: partition %v was added", errBehind, s)
		}
	}
	return nil
}

// exchangeMarks makes the positions of the new tables those in use, as a new generation. A
// partition that was added since the marks were locked has a position that the new tables
// know nothing of: then the next try begins with it.
func (p *Projection) exchangeMarks(ctx context.Context, tx transaction, inUse positions, marks map[source]mark) error {
	generation := int64(1)
	for _, m := range marks {
		generation = max(generation, m.generation+1)
	}
	n, err := tx.Exec(ctx, "DELETE FROM "+inUse.table+" WHERE projection = $1::text", inUse.key)
	if err != nil {
		return fmt.Errorf("swap: %w", err)
	}
	if n > int64(len(marks)) {
		return fmt.Errorf("%w: a partition was added", errBehind)
	}
	_, err = tx.Exec(ctx, "UPDATE "+inUse.table+" SET projection = $1::text, generation = $2::text::bigint WHERE projection = $3::text",
		inUse.key, number(generation), p.rebuildKey())
	if err != nil {
		return fmt.Errorf("swap: %w", err)
	}
	return nil
}

// errBehind passes: the next try comes nearer.
var errBehind = errors.New("projection: the rebuild did not come as far as the tables in use in time")
