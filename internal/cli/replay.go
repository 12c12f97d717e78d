package cli

import (
	"bufio"
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/daemon"
	"github.com/walpost/walpost/internal/replay"
	"github.com/walpost/walpost/internal/republish"
	"github.com/walpost/walpost/internal/status"
)

// replayFlags are those of replay.
type replayFlags struct {
	from, to    string
	rows        replay.Range
	topic       string
	firstOffset int64
	lastOffset  int64
	partitions  []int32
	toTopic     string
	rate        float64
	timestamp   stampFlag
	dryRun, yes bool
}

func newReplay(s *streams) *cobra.Command {
	var f replayFlags
	cmd := &cobra.Command{
		Use:   "replay -c FILE (--from TIME | --from-id ID | --all | --topic TOPIC)",
		Short: "Publish again from the outbox table or from a topic",
		Long: `Publish again what was published before: rows of the outbox table, or with --topic the
records of a topic. Each record gets the header walpost-replay, with the time at which
the replay began. Ids, keys and values are unchanged, so a consumer that drops repeats by
id drops these records, unless it has never processed them or has deleted their ids.

replay shows what it will do, and asks unless --yes is given. The slot is not touched, and
a relay may run meanwhile. If both write to one topic, replayed records come after newer
ones of their key; --to-topic names another topic.`,
		Example: `  walpost replay -c orders.yaml --from 2026-01-31T12:00:00Z --to 2026-01-31T13:00:00Z --dry-run
  walpost replay -c orders.yaml --from-id 4711 --to-id 4999 --to-topic orders.again
  walpost replay -c orders.yaml --all --key 42 --to-topic orders.again --yes
  walpost replay -c orders.yaml --topic outbox.event.order --from 3d --to-topic orders.again --rate 500
  walpost replay -c orders.yaml --topic outbox.event.order --partition 2 --from-offset 100 --to-offset 199 --to-topic orders.again`,
		Args: cobra.NoArgs,
	}
	load := files(cmd)
	f.define(cmd)
	cmd.RunE = action(func(cmd *cobra.Command) error {
		cfgs, err := load()
		if err != nil {
			return err
		}
		if len(cfgs) != 1 {
			return usage("replay takes one file: each table has rows of its own")
		}
		o, err := f.options(cmd, cfgs[0])
		if err != nil {
			return err
		}
		ctx, cancel := interruptible(cmd.Context())
		defer cancel()
		return runReplay(ctx, s, o, f)
	})
	return cmd
}

func (f *replayFlags) define(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.from, "from", "", "of this `time` or later: RFC 3339, or an age such as 90m or 3d")
	flags.StringVar(&f.to, "to", "", "before this `time`")
	flags.BoolVar(&f.rows.All, "all", false, "every row of the table")
	flags.StringVar(&f.rows.FromID, "from-id", "", "rows with this `id` or a greater one, for ids that rise")
	flags.StringVar(&f.rows.ToID, "to-id", "", "rows with this `id` or a lower one")
	flags.StringVar(&f.rows.Key, "key", "", "of these, rows with this `key` only")
	flags.StringVar(&f.rows.TimeColumn, "time-column", "", "`column` with the time of a row (default outbox.timestamp)")
	flags.StringVar(&f.topic, "topic", "", "read this `topic` instead of the table; needs --to-topic")
	flags.Int64Var(&f.firstOffset, "from-offset", -1, "records of the topic with this `offset` or a greater one")
	flags.Int64Var(&f.lastOffset, "to-offset", -1, "records of the topic with this `offset` or a lower one")
	flags.Int32SliceVar(&f.partitions, "partition", nil, "this `partition` of the topic only; may be repeated")
	flags.StringVar(&f.toTopic, "to-topic", "", "`topic` to publish to (default for rows: the topic of each)")
	flags.Float64Var(&f.rate, "rate", 0, "at most so many records a second; 0: no limit")
	f.timestamp.define(flags)
	flags.BoolVar(&f.dryRun, "dry-run", false, "show what would be done, and do nothing")
	flags.BoolVar(&f.yes, "yes", false, "do not ask")
}

// options turns the flags into what is to be done, or says which of them do not
// go together.
func (f *replayFlags) options(cmd *cobra.Command, cfg *config.Config) (o replay.Options, err error) {
	ofTable, ofTopic := []string{"all", "from-id", "to-id", "key", "time-column"}, []string{"from-offset", "to-offset", "partition"}
	wrong, with := ofTopic, "goes with --topic"
	if f.topic != "" {
		wrong, with = ofTable, "does not go with --topic"
	}
	for _, name := range wrong {
		if cmd.Flags().Changed(name) {
			return o, usage("--%s %s", name, with)
		}
	}
	if f.topic != "" && f.toTopic == "" {
		return o, usage("--topic needs --to-topic, which may be the same")
	}
	if f.rate < 0 {
		return o, usage("--rate %v: want records a second, or 0 for no limit", f.rate)
	}
	o = replay.Options{
		Config: cfg, Rows: f.rows, Topic: f.topic, ToTopic: f.toTopic, Rate: f.rate, StampNow: f.timestamp.now,
		Records: replay.Records{FirstOffset: f.firstOffset, LastOffset: f.lastOffset, Partitions: f.partitions},
	}
	now := time.Now()
	if o.Rows.From, err = parseTime("--from", f.from, now); err != nil {
		return o, err
	}
	if o.Rows.To, err = parseTime("--to", f.to, now); err != nil {
		return o, err
	}
	o.Records.From, o.Records.To = o.Rows.From, o.Rows.To
	return o, nil
}

func runReplay(ctx context.Context, s *streams, o replay.Options, f replayFlags) error {
	var err error
	if o.Log, err = daemon.WarningLogger(s.err, o.Config); err != nil {
		return usage("%w", err)
	}
	r, err := replay.Open(ctx, o)
	if err != nil {
		return err
	}
	defer r.Close(ctx)
	plan, err := r.Examine(ctx)
	if err != nil {
		return err
	}
	out := newPrinter(s.out)
	out.replayPlan(plan, o)
	if f.dryRun || out.err != nil || plan.Max == 0 {
		return out.err
	}
	if !f.yes {
		if err := confirm(s.err, bufio.NewReader(s.in), yesQuestion()); err != nil {
			return err
		}
	}
	printed := time.Now()
	result, err := r.Run(ctx, plan, func(so republish.Result) {
		if time.Since(printed) > time.Second {
			printed = time.Now()
			out.line("read %d of %s%d, Kafka has %d", so.Rows, upTo(o), plan.Max, so.Acknowledged)
		}
	})
	switch {
	case err != nil && ctx.Err() != nil:
		err = fmt.Errorf("interrupted: Kafka has the first %d records, and may have some after them", result.Acknowledged)
		return &failure{code: status.ExitUnexpected, err: err}
	case err != nil:
		return fmt.Errorf("%w\nKafka has the first %d records, and may have some after them", err, result.Acknowledged)
	}
	text := ""
	if result.DeadLetters > 0 || result.Skipped > 0 {
		text = fmt.Sprintf(" (%d dead letters, %d skipped)", result.DeadLetters, result.Skipped)
	}
	out.line("done: %d records published%s", result.Rows, text)
	return out.err
}

// replayPlan shows what will be done.
func (p *printer) replayPlan(plan *replay.Plan, o replay.Options) {
	p.line("%s%d %s are to be published again, ordered by %s", upTo(o), plan.Max, plan.Source, plan.Order)
	for _, span := range plan.Spans {
		p.line("  partition %d: offsets %d to %d", span.Partition, span.First, span.End-1)
	}
	for _, t := range plan.Topics {
		p.line("  %s%d to topic %s", upTo(o), t.Rows, t.Topic)
	}
	if plan.MoreTopics > 0 {
		p.line("  and the others to %d more topics", plan.MoreTopics)
	}
	p.line("each with the header %s: %s", replay.Header, plan.Began.UTC().Format("2006-01-02T15:04:05.000Z07:00"))
	if o.Rate > 0 {
		p.line("at most %v a second", o.Rate)
	}
	for _, w := range plan.Warnings {
		p.line("%s", p.paint(styleWarning, "warning: "+w))
	}
}

// upTo is for topics: offsets need not hold a record each, and times are looked
// at while reading.
func upTo(o replay.Options) string {
	if o.Topic != "" {
		return "up to "
	}
	return ""
}
