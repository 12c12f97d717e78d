package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/walpost/walpost/internal/config"
)

// tailCommand is what `tail` was asked for.
type tailCommand struct {
	topics         []string // globs; none: what outbox.topic can name
	key, id        string   // "": any
	fromBeginning  bool
	payload        bool
	asJSON         bool
	most           int // records to show; 0: no end
	keyed, hasID   bool
	possible       []string // globs of what outbox.topic can name
	format         config.Format
	waitingWasSaid bool
}

func newTail(s *streams) *cobra.Command {
	var t tailCommand
	cmd := &cobra.Command{
		Use:   "tail -c FILE",
		Short: "Show events as they arrive in Kafka, without touching the slot",
		Long: `Show the records of the topics that a file's outbox.topic can name, as they arrive in
Kafka. Neither the relay nor its slot has a part in it, and no consumer group is made.
Values are not shown, only their sizes, unless --payload asks for them: they are your
users' data. What a terminal could take for more than text is escaped, and schemas of
json_schema are left out; --json has the bytes as they are. --key and --id take the text
that a key or an id of JSON stands for, too.`,
		Example: `  walpost tail -c orders.yaml
  walpost tail -c orders.yaml --key 4711 --from-beginning
  walpost tail -c orders.yaml --topic 'outbox.event.*' --payload --json | jq .value`,
		Args: cobra.NoArgs,
	}
	load := files(cmd)
	flags := cmd.Flags()
	flags.StringArrayVar(&t.topics, "topic", nil, "only topics of this `glob`; may be repeated")
	flags.StringVar(&t.key, "key", "", "only records with this key")
	flags.StringVar(&t.id, "id", "", "only the event with this id (header `id`)")
	flags.BoolVar(&t.fromBeginning, "from-beginning", false, "begin with the oldest records that Kafka has")
	flags.BoolVar(&t.payload, "payload", false, "show values")
	flags.IntVarP(&t.most, "max", "n", 0, "end after so many records; 0: never")
	flags.BoolVar(&t.asJSON, "json", false, "write one JSON object per line, for programs")
	cmd.RunE = action(func(cmd *cobra.Command) error {
		t.keyed, t.hasID = flags.Changed("key"), flags.Changed("id")
		if err := checkGlobs("--topic", t.topics); err != nil {
			return err
		}
		cfgs, err := load()
		if err != nil {
			return err
		}
		if len(cfgs) > 1 {
			return usage("tail reads one file, not %d", len(cfgs))
		}
		ctx, cancel := interruptible(cmd.Context())
		defer cancel()
		return t.run(ctx, s, cfgs[0])
	})
	return cmd
}

// run shows records until ctx ends or there were enough, which is no failure.
func (t *tailCommand) run(ctx context.Context, s *streams, cfg *config.Config) error {
	t.format = cfg.Outbox.Format
	t.possible = append(cfg.Outbox.TopicGlobs(), cfg.Delivery.DeadLetterTopics(nil)...)
	f, err := newFollower(ctx, cfg, t)
	if err != nil {
		return err
	}
	defer f.close()
	out := newPrinter(s.out)
	for shown := 0; t.most == 0 || shown < t.most; {
		rec, err := f.next(ctx, s.err)
		if err != nil || rec == nil {
			return err
		}
		if !t.wants(rec) {
			continue
		}
		shown++
		if err := t.print(out, rec); err != nil {
			return err
		}
	}
	return nil
}

// named are the topics that are asked for in full; the rest are globs.
func (t *tailCommand) named() (names, globs []string) {
	if len(t.topics) == 0 {
		return splitGlobs(t.possible)
	}
	return splitGlobs(t.topics)
}
