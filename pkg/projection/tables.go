package projection

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/walpost/walpost/pkg/inbox"
	"github.com/walpost/walpost/pkg/projection/internal/table"
)

// ErrSwap means that the new tables cannot take the place of the old, such as for a view
// on an old table. Nothing was changed. Rebuild says so before it begins, or at the end
// for what came meanwhile; it goes on with the swap when it is called again.
var ErrSwap = errors.New("projection: the rebuilt tables cannot take the place of those in use")

// ErrOutside means that the handler of a rebuild has used a table that is not being
// rebuilt: it has read or written a table of Config.Tables without Event.Table, or written
// to another table. Its transaction was rolled back.
var ErrOutside = errors.New("projection: the handler used a table outside of the rebuild")

// pairs are the tables in use and those of a rebuild.
func (p *Projection) pairs() []table.Pair {
	var all []table.Pair
	for _, name := range p.config.Tables {
		all = append(all, table.Pair{Old: name, New: shadowOf(name)})
	}
	return all
}

// prepare creates the tables that are missing, unless something is in the way of the swap.
// With the rows of an earlier call they are those it has left; without, they must be empty.
func (p *Projection) prepare(ctx context.Context) error {
	if limit := p.unit.maxConns(); limit == 1 {
		return badConfig("DB", "Rebuild needs a connection for each partition and one more, and the pool has 1")
	}
	err := p.transact(ctx, func(ctx context.Context, tx transaction) error {
		if err := refuse(table.Obstacles(ctx, tx, p.pairs())); err != nil {
			return err
		}
		if err := table.Create(ctx, tx, p.pairs()); err != nil {
			return refused(err)
		}
		if err := p.sameForm(ctx, tx); err != nil {
			return err
		}
		return p.begunOrEmpty(ctx, tx)
	})
	if err != nil {
		return err
	}
	return p.rehearse(ctx)
}

// begunOrEmpty returns an error for new tables with rows that no rebuild has written.
func (p *Projection) begunOrEmpty(ctx context.Context, tx transaction) error {
	marks, err := positions{p.config.Position, p.rebuildKey()}.load(ctx, tx, false)
	if err != nil || len(marks) > 0 {
		return err
	}
	for _, name := range p.config.Tables {
		var filled bool
		if err := tx.Scan(ctx, []any{&filled}, "SELECT EXISTS (SELECT FROM "+shadowOf(name)+")"); err != nil {
			return fmt.Errorf("look into %s: %w", shadowOf(name), err)
		}
		if filled {
			return badConfig("Tables", "table %s has rows, and no rebuild has a position: drop it, or empty it", shadowOf(name))
		}
	}
	return nil
}

// errRehearsed rolls the rehearsal back.
var errRehearsed = errors.New("projection: rehearsed")

// rehearse does the swap and takes it back, so that what is in the way of it is known
// before the work.
func (p *Projection) rehearse(ctx context.Context) error {
	err := p.transact(ctx, func(ctx context.Context, tx transaction) error {
		if _, err := p.holdStill(ctx, tx, positions{p.config.Position, p.config.Name}); err != nil {
			return err
		}
		if err := table.Exchange(ctx, tx, p.pairs()); err != nil {
			return refused(err)
		}
		return errRehearsed
	})
	if errors.Is(err, errRehearsed) {
		return nil
	}
	return err
}

// holdStill locks the positions of the tables in use, as their transactions do: so these
// stand still until the transaction ends.
func (p *Projection) holdStill(ctx context.Context, tx transaction, inUse positions) (map[source]mark, error) {
	if _, err := tx.Exec(ctx, "SELECT set_config('lock_timeout', '5s', true), set_config('idle_in_transaction_session_timeout', "+
		"$1::text, true)", p.idle()); err != nil {
		return nil, fmt.Errorf("swap: %w", err)
	}
	return inUse.load(ctx, tx, true)
}

// exchangeTables puts the new tables in the place of those in use.
func (p *Projection) exchangeTables(ctx context.Context, tx transaction) error {
	if err := refuse(table.Obstacles(ctx, tx, p.pairs())); err != nil {
		return err
	}
	if err := p.sameForm(ctx, tx); err != nil {
		return err
	}
	return refused(table.Exchange(ctx, tx, p.pairs()))
}

// sameForm refuses new tables that lack something of those in use, but for a Reshape.
func (p *Projection) sameForm(ctx context.Context, tx transaction) error {
	if p.config.Reshape {
		return nil
	}
	lacks, err := table.Lacks(ctx, tx, p.pairs())
	if len(lacks) > 0 {
		lacks = append(lacks, "DropRebuild drops what a rebuild has left; Config.Reshape allows tables that you have made in another form")
	}
	return refuse(lacks, err)
}

// refuse returns ErrSwap for reasons.
func refuse(reasons []string, err error) error {
	if err != nil || len(reasons) == 0 {
		return err
	}
	return fmt.Errorf("%w: %s", ErrSwap, strings.Join(reasons, "; "))
}

// refused tells what stands in the way from what passes, such as a lock.
func refused(err error) error {
	switch class := inbox.Classify(err); {
	case err == nil:
		return nil
	case class == inbox.ClassTransient, class == inbox.ClassUnavailable:
		return fmt.Errorf("swap: %w", err)
	}
	return fmt.Errorf("%w: %w", ErrSwap, err)
}

// onlyNew returns an error when the transaction has used tables that are not being rebuilt.
func (f *feed) onlyNew(ctx context.Context, tx transaction) error {
	if !f.shadow {
		return nil
	}
	used, err := table.Used(ctx, tx, f.projection.pairs(), f.projection.config.Position)
	if err != nil || len(used) == 0 {
		return err
	}
	return fmt.Errorf("%w: %s: write to what Event.Table returns, name each table of the read model in Config.Tables, and do nothing "+
		"else while Event.Rebuilding", ErrOutside, strings.Join(used, ", "))
}
