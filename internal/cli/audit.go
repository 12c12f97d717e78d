package cli

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/walpost/walpost/internal/audit"
	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/status"
)

// auditFlags are those of audit.
type auditFlags struct {
	asJSON                 bool
	since, until, timeName string
	topics                 []string
	examples               int
	wait                   time.Duration
}

func newAudit(s *streams) *cobra.Command {
	var f auditFlags
	cmd := &cobra.Command{
		Use:   "audit -c FILE",
		Short: "Compare the ids in the outbox table with those in the topics",
		Long: `Compare the ids in the outbox table with those in the topics: which rows are in no
topic (missing), and which records have no row (phantom). Rows that wait in the slot are
counted separately. Nothing is changed. The exit code is 4 if there is a difference.

audit knows only rows that are still in the table: a row that was deleted after it was
published looks like a phantom. Records that Kafka's retention has removed are missing.
--since limits the comparison to what both still have.`,
		Example: `  walpost audit -c orders.yaml
  walpost audit -c orders.yaml --since 3d --until 1h
  walpost audit -c orders.yaml --json | jq '.[].missing_ids[]'`,
		Args: cobra.NoArgs,
	}
	load := files(cmd)
	jsonFlag(cmd, &f.asJSON)
	flags := cmd.Flags()
	flags.StringVar(&f.since, "since", "", "from this `time` on: RFC 3339, or an age such as 90m or 3d")
	flags.StringVar(&f.until, "until", "", "before this `time`")
	flags.StringVar(&f.timeName, "time-column", "", "`column` with the time of a row (default outbox.timestamp)")
	flags.StringArrayVar(&f.topics, "topic", nil, "`topic` to read beside those of today's rows; may be repeated")
	flags.IntVar(&f.examples, "ids", 20, "how many ids of each kind to show")
	flags.DurationVar(&f.wait, "wait", 30*time.Second, "how long to wait for a relay to confirm what the table has")
	cmd.RunE = onFiles(load, func(ctx context.Context, cfgs []*config.Config) error {
		return auditAll(ctx, s, cfgs, f)
	})
	return cmd
}

func auditAll(ctx context.Context, s *streams, cfgs []*config.Config, f auditFlags) error {
	now := time.Now()
	o := audit.Options{TimeColumn: f.timeName, Topics: f.topics, Examples: f.examples, Wait: f.wait}
	var err error
	if o.Since, err = parseTime("--since", f.since, now); err != nil {
		return err
	}
	if o.Until, err = parseTime("--until", f.until, now); err != nil {
		return err
	}
	out := newPrinter(s.out)
	all := []*audit.Report{}
	equal := true
	var failures []error
	for _, c := range cfgs {
		o.Config = c
		r, err := audit.Run(ctx, o)
		if err != nil {
			failures = append(failures, err)
			continue
		}
		equal = equal && r.Equal()
		all = append(all, r)
		if !f.asJSON {
			out.audited(r, len(cfgs) > 1)
		}
	}
	if f.asJSON {
		out.err = writeJSON(s.out, all)
	}
	if err := errors.Join(append(failures, out.err)...); err != nil {
		return err
	}
	if !equal {
		return ended(status.ExitHalted)
	}
	return nil
}

// audited shows a comparison.
func (p *printer) audited(r *audit.Report, several bool) {
	if several {
		p.line("%s", p.paint(styleBold, r.Relay))
	}
	p.line("%d rows, %d records, topics: %d, table read as of %s", r.Rows, r.Records, len(r.Topics), r.LSN)
	for _, n := range r.Notes {
		p.line("note: %s", n)
	}
	p.found("missing", r.Missing, r.MissingIDs)
	p.found("phantom", r.Phantom, r.PhantomIDs)
	p.line("repeats %d, dead letters %d, in flight %d", r.Repeats, r.DeadLetters, r.InFlight)
	switch {
	case r.Equal():
		p.line("%s", p.paint(styleOK, "equal"))
	case r.Missing > 0 && !r.Settled:
		p.line("%s", p.paint(styleError, "different, but what is missing may be on its way: run audit again"))
	default:
		p.line("%s", p.paint(styleError, "different"))
	}
}

func (p *printer) found(what string, n int64, ids []string) {
	p.line("%s %d", what, n)
	for _, id := range ids {
		p.line("  %s", id)
	}
	if more := n - int64(len(ids)); more > 0 && len(ids) > 0 {
		p.line("  and %d more", more)
	}
}
