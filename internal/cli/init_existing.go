package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/daemon"
	"github.com/walpost/walpost/internal/outboxtable"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/recover"
	"github.com/walpost/walpost/internal/wiring"
)

// beginsWithRows reports whether rows are to be published before the slot begins: it is
// wanted, and the slot is not there, or what made it was cut.
func (i *initializer) beginsWithRows(ctx context.Context, conn *pgx.Conn, there *catalog.Inspection) (bool, error) {
	if !i.existing {
		return false, nil
	}
	if err := outboxtable.Require(i.cfg, fmt.Sprintf("`walpost init -c %s` without --publish-existing makes the slot; "+
		"messages from before it are published by nobody", i.cfg.File)); err != nil {
		return false, err
	}
	marked := there.Publication != nil && there.Publication.Publishing
	if there.Slot == nil || there.Slot.Making() || marked {
		return true, nil
	}
	left, err := i.leftover(ctx, conn)
	return left != nil, err
}

// leftover returns the slot that an interrupted command has left; nil: none.
func (i *initializer) leftover(ctx context.Context, conn *pgx.Conn) (*catalog.Slot, error) {
	left, err := catalog.FindSlot(ctx, conn, recover.TemporaryName(i.cfg.Postgres.Slot))
	return left, postgres.Classify("look for a slot that is left over", err)
}

// existingLeft is the step of rows that are not published, as the slot is there.
func existingLeft(cfg *config.Config) step {
	return step{
		Action: actionSkipped, Kind: kindRows, Name: wiring.Table(cfg).String(),
		Detail: fmt.Sprintf("none are published: the slot exists. `walpost replay -c %s --all` publishes again what is in the table",
			cfg.File),
	}
}

// refuseLeftover refuses a slot behind rows that an interrupted command was publishing.
func (i *initializer) refuseLeftover(ctx context.Context, conn *pgx.Conn, there *catalog.Inspection) error {
	if there.Slot != nil {
		return nil
	}
	left, err := i.leftover(ctx, conn)
	if err != nil || left == nil {
		return err
	}
	return requirement("slot %s is there: `walpost init --publish-existing` or `walpost recover` did not come to its end, and rows may be "+
		"missing in Kafka. Run that command again; or, without these rows, `walpost drop -c %s` first", left.Name, i.cfg.File)
}

// publishExisting publishes what is in the table and makes the slot behind it.
func (i *initializer) publishExisting(ctx context.Context) error {
	if !i.first {
		return nil
	}
	log, err := daemon.WarningLogger(i.err, i.cfg)
	if err != nil {
		return usage("%w", err)
	}
	r, err := recover.Open(ctx, recover.Options{
		Config: i.cfg, First: true, StampNow: i.timestamp.now, Log: log, Rows: recover.Selection{All: true, Order: i.orderColumn()},
	})
	if err != nil {
		return err
	}
	defer r.Close(ctx)
	plan, err := r.Examine(ctx)
	if err != nil {
		return err
	}
	return i.runFirst(ctx, r, plan)
}

// runFirst does what the plan of a first start says, or shows it.
func (i *initializer) runFirst(ctx context.Context, r *recover.Recovery, plan *recover.Plan) error {
	out := newPrinter(i.err)
	for _, w := range plan.Warnings {
		out.line("walpost: warning: %s", w)
	}
	if i.dryRun {
		i.step(i.rowsStep(actionMissing, fmt.Sprintf("%d in %s are to be published, ordered by %s", plan.Rows,
			wiring.Table(i.cfg), plan.Order)))
		return out.err
	}
	progress := existingProgress{i: i, plan: plan, out: out}
	result, err := r.Run(ctx, plan, progress.report)
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("interrupted after %d of about %d rows: run does not start until `walpost init --publish-existing -c %s` "+
			"has come to its end, which begins anew", result.Acknowledged, plan.Rows, i.cfg.File)
	}
	if err != nil {
		return err
	}
	i.told(plan, result)
	return out.err
}

// orderColumn is the column in whose order rows are published; "": none is known.
func (i *initializer) orderColumn() string {
	prune := ""
	if i.cfg.Outbox.Prune != nil {
		prune = i.cfg.Outbox.Prune.TimeColumn
	}
	return cmp.Or(i.order, i.cfg.Outbox.Timestamp, prune)
}

func (i *initializer) rowsStep(action stepAction, detail string) step {
	return step{Action: action, Kind: kindRows, Name: wiring.Table(i.cfg).String(), Detail: detail}
}

// told takes the steps down that a first start has done.
func (i *initializer) told(plan *recover.Plan, result recover.Result) {
	slot := step{Action: actionExists, Kind: kindSlot, Name: plan.Slot}
	if plan.OnlyEnd || plan.Begun {
		slot.Detail = "its rows were published before"
		i.step(slot)
		return
	}
	i.result.RowsPublished = &result.Rows
	left := ""
	if result.DeadLetters > 0 || result.Skipped > 0 {
		left = fmt.Sprintf(" (%d dead letters, %d skipped)", result.DeadLetters, result.Skipped)
	}
	i.step(i.rowsStep(actionPublished, fmt.Sprintf("%d of %s are published%s, ordered by %s", result.Rows, wiring.Table(i.cfg),
		left, plan.Order)))
	slot.Action, slot.Detail = actionCreated, "what commits after "+result.StreamsFrom+" is published by run"
	i.step(slot)
}

// existingProgress says how far the rows are, about once a second.
type existingProgress struct {
	i    *initializer
	plan *recover.Plan
	out  *printer

	began, said time.Time
}

func (p *existingProgress) report(stage recover.Stage, so recover.Result) {
	switch stage {
	case recover.Begun:
		p.i.step(step{Action: createdOrExists(p.plan.CreatePublication), Kind: kindPublication, Name: p.i.cfg.Postgres.Publication})
	case recover.Created:
		p.began, p.said = time.Now(), time.Now()
	case recover.Publishing:
		if time.Since(p.said) < time.Second {
			return
		}
		p.said = time.Now()
		rate := float64(so.Acknowledged) / time.Since(p.began).Seconds()
		p.out.line("walpost: %s: published %d of about %d rows, %.0f a second", p.i.cfg.Name, so.Acknowledged, p.plan.Rows, rate)
	default: // of no interest to a person
	}
}
