package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/daemon"
	"github.com/walpost/walpost/internal/recover"
	"github.com/walpost/walpost/internal/status"
	"github.com/walpost/walpost/internal/wiring"
)

// recoverFlags are those of recover.
type recoverFlags struct {
	dryRun, yes, force, all  bool
	since, afterID, timeName string
	timestamp                stampFlag
}

func newRecover(s *streams) *cobra.Command {
	var f recoverFlags
	cmd := &cobra.Command{
		Use:   "recover -c FILE (--since TIME | --after-id ID | --all)",
		Short: "Replace a lost slot, and publish from the table what may be missing",
		Long: `Replace a slot that is lost, missing or was advanced by another client: create a new slot,
publish the rows of the outbox table that may be missing and were committed before it, and
give the new slot the name of the old one. run then streams from it what commits later,
with no gap and no overlap.

recover shows what it will do, and asks for the slot's name unless --yes is given. It may
be interrupted at any moment and run again: it then publishes the same rows again. Rows
that are no longer in the table cannot be published.`,
		Example: `  walpost recover -c orders.yaml --since 2h --dry-run
  walpost recover -c orders.yaml --since 2026-01-31T12:00:00Z
  walpost recover -c orders.yaml --after-id 4711
  walpost recover -c orders.yaml --all --yes`,
		Args: cobra.NoArgs,
	}
	load := files(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.since, "since", "", "rows of this `time` or later: RFC 3339, or an age such as 90m or 3d")
	flags.StringVar(&f.afterID, "after-id", "", "rows with a greater `id`, for ids that rise")
	flags.BoolVar(&f.all, "all", false, "every row of the table")
	flags.StringVar(&f.timeName, "time-column", "", "`column` with the time of a row, for --since and the order (default outbox.timestamp)")
	f.timestamp.define(flags)
	flags.BoolVar(&f.dryRun, "dry-run", false, "show what would be done, and do nothing")
	flags.BoolVar(&f.yes, "yes", false, "do not ask")
	flags.BoolVar(&f.force, "force", false, "also where the slot looks healthy")
	cmd.RunE = action(func(cmd *cobra.Command) error {
		cfgs, err := load()
		if err != nil {
			return err
		}
		if len(cfgs) != 1 {
			return usage("recover takes one file: each slot has rows of its own")
		}
		rows, err := f.selection(time.Now())
		if err != nil {
			return err
		}
		ctx, cancel := interruptible(cmd.Context())
		defer cancel()
		return runRecover(ctx, s, cfgs[0], rows, f)
	})
	return cmd
}

func (f *recoverFlags) selection(now time.Time) (recover.Selection, error) {
	since, err := parseTime("--since", f.since, now)
	return recover.Selection{All: f.all, Since: since, AfterID: f.afterID, TimeColumn: f.timeName}, err
}

func runRecover(ctx context.Context, s *streams, cfg *config.Config, rows recover.Selection, f recoverFlags) error {
	log, err := daemon.WarningLogger(s.err, cfg)
	if err != nil {
		return usage("%w", err)
	}
	r, err := recover.Open(ctx, recover.Options{Config: cfg, Rows: rows, Force: f.force, StampNow: f.timestamp.now, Log: log})
	if err != nil {
		return err
	}
	defer r.Close(ctx)
	plan, err := r.Examine(ctx)
	if err != nil {
		return err
	}
	out := newPrinter(s.out)
	out.plan(plan, cfg, f.timestamp.now)
	if f.dryRun || out.err != nil {
		return out.err
	}
	if !f.yes {
		if err := confirm(s.err, bufio.NewReader(s.in), slotQuestion(plan.Slot, "nothing was done")); err != nil {
			return err
		}
	}
	printed := time.Now()
	result, err := r.Run(ctx, plan, func(stage recover.Stage, so recover.Result) {
		if stage != recover.Publishing || time.Since(printed) > time.Second {
			printed = time.Now()
			out.stage(stage, so, plan)
		}
	})
	if err != nil {
		return recoverFailed(err, plan, rows)
	}
	switch {
	case plan.OnlyLeftover:
		out.line("dropped slot %s", plan.Temporary)
	case plan.OnlyEnd:
		out.line("done: start `walpost run -c %s`, which streams what committed after %s", cfg.File, result.StreamsFrom)
	default:
		out.line("done: %d rows published; start `walpost run -c %s`, which streams what committed after %s",
			result.Rows, cfg.File, result.StreamsFrom)
	}
	return out.err
}

// recoverFailed adds how to begin anew: an age means other rows later.
func recoverFailed(err error, plan *recover.Plan, rows recover.Selection) error {
	again := ""
	if !rows.Since.IsZero() && !plan.OnlyLeftover && !plan.OnlyEnd {
		again = "\nto begin anew with the same rows: --since " + rows.Since.UTC().Format(time.RFC3339Nano)
	}
	if errors.Is(err, context.Canceled) {
		err = fmt.Errorf("interrupted: slot %s is as it was; run recover again%s", plan.Slot, again)
		return &failure{code: status.ExitUnexpected, err: err}
	}
	if again == "" {
		return err
	}
	return fmt.Errorf("%w%s", err, again)
}

// plan shows what was found and what will be done.
func (p *printer) plan(plan *recover.Plan, cfg *config.Config, stampNow bool) {
	p.line("slot %s %s", plan.Slot, plan.Found)
	if plan.Leftover {
		p.line("slot %s is left over from a recovery that was interrupted: it will be dropped", plan.Temporary)
	}
	if plan.OnlyLeftover {
		p.line("that recovery was complete but for this: there is nothing else to do")
		return
	}
	if plan.OnlyEnd {
		p.line("that recovery has published its rows and put the slot in place: what comes after that is done now")
		return
	}
	p.line("%d rows of %s are to be published: %s, ordered by %s", plan.Rows, wiring.Table(cfg), plan.Selection, plan.Order)
	for _, t := range plan.Topics {
		p.line("  %d to topic %s", t.Rows, t.Topic)
	}
	if plan.MoreTopics > 0 {
		p.line("  and the others to %d more topics", plan.MoreTopics)
	}
	p.line("what will be done:")
	if plan.CreatePublication {
		p.line("  create publication %s", cfg.Postgres.Publication)
	}
	p.line("  create slot %s", plan.Temporary)
	p.line("  publish the rows that were committed before it, and wait until Kafka has acknowledged all of them")
	p.line("  %s to %s", handOver(plan), plan.Temporary)
	p.line("rows that were published before come again, with the same id%s", againWith(cfg, stampNow))
	for _, w := range plan.Warnings {
		p.line("%s", p.paint(styleWarning, "warning: "+w))
	}
}

// handOver words what becomes of the slot's name.
func handOver(plan *recover.Plan) string {
	if plan.Missing {
		return "give the name " + plan.Slot
	}
	return "drop slot " + plan.Slot + ", and give its name"
}

func againWith(cfg *config.Config, stampNow bool) string {
	if cfg.Outbox.Timestamp == "" || stampNow {
		return ", and the time of publishing for a timestamp"
	}
	return ""
}

// stage words how far it is.
func (p *printer) stage(stage recover.Stage, so recover.Result, plan *recover.Plan) {
	switch stage {
	case recover.Created:
		p.line("created slot %s at %s", plan.Temporary, so.StreamsFrom)
	case recover.Publishing:
		p.line("read %d of about %d rows", so.Rows, plan.Rows)
	case recover.Published:
		text := ""
		if so.DeadLetters > 0 || so.Skipped > 0 {
			text = fmt.Sprintf(" (%d dead letters, %d skipped)", so.DeadLetters, so.Skipped)
		}
		p.line("published %d rows%s", so.Rows, text)
	case recover.Finished:
		p.line("slot %s is in place", plan.Slot)
	default: // of no interest to a person
	}
}
