package cli

import (
	"bufio"
	"context"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/kafka/topics"
	"github.com/walpost/walpost/internal/status"
	"github.com/walpost/walpost/internal/wiring"
)

// exitDiffers is the code of `topics plan` where apply has something to do, so
// that a pipeline can tell it from servers that cannot be asked (3).
const exitDiffers = 6

func newTopics(s *streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "topics",
		Short: "Compare the topics that a file declares with the cluster, and make them so",
		Long: `Compare the topics that the file declares (kafka.topics.declare) with those of the
cluster, and make them as declared: partitions, replication factor, and settings such as
retention.ms, cleanup.policy and min.insync.replicas. Dead letter topics that the file
names in another way (delivery.dead_letter) are created if they are missing.

Nothing is ever deleted or lowered: not a topic, not a partition, not a setting that the
file does not name.`,
		Example: "  walpost topics plan -c orders.yaml\n  walpost topics apply -c orders.yaml",
		Args:    cobra.ArbitraryArgs,
		RunE:    needsCommand(s),
	}
	cmd.AddCommand(newTopicsPlan(s), newTopicsApply(s))
	return cmd
}

func newTopicsPlan(s *streams) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "plan -c FILE",
		Short: "Show how the cluster's topics differ from those the file declares",
		Long: `Show how the cluster's topics differ from those the file declares. The cluster is asked
whether it would make each change; nothing is changed.

Exit codes: 0 no difference, 6 apply has something to do, 3 something is left to a person
(fewer partitions, another replication factor, more replicas in sync than there are),
would be refused, or could not be asked.`,
		Example: `  walpost topics plan -c orders.yaml
  walpost topics plan -c orders.yaml --json`,
		Args: cobra.NoArgs,
	}
	load := files(cmd)
	jsonFlag(cmd, &asJSON)
	cmd.RunE = action(func(cmd *cobra.Command) error {
		cfgs, err := loadDeclared(load)
		if err != nil {
			return err
		}
		ctx, cancel := interruptible(cmd.Context())
		defer cancel()
		return planTopics(ctx, s, cfgs, asJSON)
	})
	return cmd
}

func newTopicsApply(s *streams) *cobra.Command {
	var asJSON, yes, addPartitions bool
	cmd := &cobra.Command{
		Use:   "apply -c FILE",
		Short: "Make the cluster's topics as the file declares them",
		Long: `Make the cluster's topics as the file declares them: create what is missing, set settings
that differ, add partitions. It shows the plan and asks unless --yes is given; it may be
interrupted at any moment, and run again.

Adding partitions moves keys: later records of a key may go to another partition than the
earlier ones, and consumers may see them out of order. It needs --add-partitions.

Exit codes: 0 the topics are as declared, 3 something is left to a person or was refused.`,
		Example: `  walpost topics apply -c orders.yaml
  walpost topics apply -c orders.yaml --yes
  walpost topics apply -c orders.yaml --yes --add-partitions --json`,
		Args: cobra.NoArgs,
	}
	load := files(cmd)
	jsonFlag(cmd, &asJSON)
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	cmd.Flags().BoolVar(&addPartitions, "add-partitions", false, "add partitions, although keys then move to other partitions")
	cmd.RunE = action(func(cmd *cobra.Command) error {
		cfgs, err := loadDeclared(load)
		if err != nil {
			return err
		}
		if asJSON && !yes {
			return usage("--json needs --yes: nobody reads the question")
		}
		ctx, cancel := interruptible(cmd.Context())
		defer cancel()
		return applyTopics(ctx, s, cfgs, applyFlags{json: asJSON, yes: yes, addPartitions: addPartitions})
	})
	return cmd
}

// loadDeclared loads files that declare topics. Two of them that want the same
// topic of the same brokers otherwise would undo each other for ever.
func loadDeclared(load func() ([]*config.Config, error)) ([]*config.Config, error) {
	cfgs, err := load()
	if err != nil {
		return nil, err
	}
	type clusterTopic struct{ brokers, topic string }
	first := map[clusterTopic]*config.Config{}
	count := 0
	for _, cfg := range cfgs {
		brokers := strings.Join(slices.Sorted(slices.Values(cfg.Kafka.Brokers)), ",")
		for name, topic := range wiring.FileTopics(cfg) {
			count++
			at := clusterTopic{brokers, name}
			other, taken := first[at]
			if taken && !reflect.DeepEqual(wiring.FileTopics(other)[name], topic) {
				return nil, usage("%s and %s declare topic %s differently: leave one of them out", other.File, cfg.File, name)
			}
			first[at] = cfg
		}
	}
	if count == 0 {
		return nil, usage("no topics are declared: see kafka.topics.declare in docs/configuration.md")
	}
	return cfgs, nil
}

// topicsOfRelay compares the declared topics of one file.
type topicsOfRelay struct {
	cfg      *config.Config
	topics   map[string]config.DeclaredTopic // by name
	client   topics.Admin
	declared []topics.Spec
	found    []topics.Difference
}

// compareTopics asks the cluster, for each change too whether it would be made.
func compareTopics(ctx context.Context, cfg *config.Config) (*topicsOfRelay, error) {
	t := &topicsOfRelay{cfg: cfg, topics: wiring.FileTopics(cfg)}
	for _, name := range slices.Sorted(maps.Keys(t.topics)) {
		t.declared = append(t.declared, wiring.DeclaredTopic(name, t.topics[name]))
	}
	var err error
	if t.client, err = topics.OpenAdmin(ctx, wiring.Kafka(cfg)); err != nil {
		return nil, err
	}
	t.found, err = t.client.Compare(ctx, t.declared, t.create)
	for i := range t.found {
		if err == nil {
			err = t.apply(ctx, &t.found[i], true)
		}
	}
	if err != nil {
		t.client.Close()
		return nil, err
	}
	return t, nil
}

func (t *topicsOfRelay) create(name string) topics.Spec { return wiring.TopicSpec(t.cfg, name) }

func (t *topicsOfRelay) apply(ctx context.Context, d *topics.Difference, validateOnly bool) error {
	declared := wiring.DeclaredTopic(d.Topic, t.topics[d.Topic])
	return t.client.Apply(ctx, d, declared, t.create(d.Topic), validateOnly)
}

func planTopics(ctx context.Context, s *streams, cfgs []*config.Config, asJSON bool) error {
	plans, err := compareAll(ctx, cfgs)
	defer closeAll(plans)
	if err != nil {
		return err
	}
	out := newPrinter(s.out)
	if asJSON {
		out.err = writeJSON(s.out, topicsDocument(plans))
	} else {
		out.topicsPlan(plans)
	}
	switch {
	case out.err != nil:
		return out.err
	case anyTopic(plans, (*topics.Difference).Blocked):
		return ended(status.ExitRequirement)
	case anyTopic(plans, (*topics.Difference).Applicable):
		return ended(exitDiffers)
	default:
		return nil
	}
}

func compareAll(ctx context.Context, cfgs []*config.Config) ([]*topicsOfRelay, error) {
	var plans []*topicsOfRelay
	for _, cfg := range cfgs {
		t, err := compareTopics(ctx, cfg)
		if err != nil {
			return plans, err
		}
		plans = append(plans, t)
	}
	return plans, nil
}

func closeAll(plans []*topicsOfRelay) {
	for _, t := range plans {
		t.client.Close()
	}
}

func anyTopic(plans []*topicsOfRelay, is func(*topics.Difference) bool) bool {
	for _, t := range plans {
		for i := range t.found {
			if is(&t.found[i]) {
				return true
			}
		}
	}
	return false
}

// applyFlags are those of topics apply.
type applyFlags struct{ json, yes, addPartitions bool }

func applyTopics(ctx context.Context, s *streams, cfgs []*config.Config, f applyFlags) error {
	plans, err := compareAll(ctx, cfgs)
	defer closeAll(plans)
	if err != nil {
		return err
	}
	out := newPrinter(s.out)
	if !f.json {
		out.topicsPlan(plans)
	}
	if anyTopic(plans, (*topics.Difference).AddsPartitions) && !f.addPartitions {
		return usage("nothing was done: adding partitions moves keys, and consumers may see records of a key out of order; give " +
			"--add-partitions if that is meant")
	}
	if anyTopic(plans, (*topics.Difference).Applicable) {
		if !f.yes {
			if err := confirm(s.err, bufio.NewReader(s.in), yesQuestion()); err != nil {
				return err
			}
		}
		for _, t := range plans {
			if err := out.applied(ctx, t, f.json); err != nil {
				return err
			}
		}
	}
	if f.json {
		out.err = writeJSON(s.out, topicsDocument(plans))
	}
	if out.err == nil && anyTopic(plans, (*topics.Difference).Blocked) {
		return requirement("what is left to a person was not done")
	}
	return out.err
}

// applied makes the topics of one file as declared, and looks whether they are.
func (p *printer) applied(ctx context.Context, t *topicsOfRelay, quiet bool) error {
	for i := range t.found {
		d := &t.found[i]
		if !d.Applicable() {
			continue
		}
		if err := t.apply(ctx, d, false); err != nil {
			return err
		}
		if !quiet {
			p.line("%s topic %s", appliedWord(d), d.Topic)
		}
	}
	left, err := t.client.Settle(ctx, t.declared, t.create)
	if err != nil {
		return err
	}
	for i := range left {
		if left[i].Applicable() {
			return requirement("topic %s is still not as declared after it was applied: run topics plan", left[i].Topic)
		}
	}
	return p.err
}

func appliedWord(d *topics.Difference) string {
	if d.Missing {
		return "created"
	}
	return "changed"
}
