package cli

import (
	"context"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/kafka"
	"github.com/walpost/walpost/internal/wiring"
	"github.com/walpost/walpost/pkg/inbox"
)

// deadLetterTopics is the dead letter topics of a file.
type deadLetterTopics struct {
	filter   *deadLetterFilter
	options  kafka.Options
	settings *sarama.Config
	topics   []string
	mayName  string // a glob of the topics that the file can name
	seen     int    // letters that passed the filter, over all topics
}

// openDeadLetterTopics finds the topics. Those that are named in full are to be there.
func openDeadLetterTopics(cfg *config.Config, filter *deadLetterFilter) (*deadLetterTopics, error) {
	b := &deadLetterTopics{filter: filter, options: wiring.Kafka(cfg), mayName: cfg.Outbox.Topic.Glob()}
	var err error
	if b.settings, err = kafka.Settings(b.options); err != nil {
		return nil, err
	}
	all := filter.in
	if len(all) == 0 {
		all = []string{cfg.Delivery.DeadLetter.Render(cfg.Outbox.Topic.Glob())}
	}
	names, globs := splitGlobs(all)
	s := *b.settings
	s.Metadata.Full = len(globs) > 0
	client, err := sarama.NewClient(b.options.Brokers, &s)
	if err != nil {
		return nil, b.options.Explain("read from Kafka", err)
	}
	defer func() { _ = client.Close() }() // it was read from only
	if b.topics, err = findTopics(client, b.options, names, globs); err != nil {
		return nil, err
	}
	if len(b.topics) == 0 {
		return nil, requirement("there is no dead letter topic like %s: name one with --dead-letter", all[0])
	}
	return b, nil
}

// deadLetterAction is what is to be done with the dead letters that match.
type deadLetterAction func(context.Context, inbox.RedriveConfig) (inbox.Redriven, error)

// each calls do for one topic after the other. change sets what is not common to all.
func (b *deadLetterTopics) each(ctx context.Context, do deadLetterAction, change func(*inbox.RedriveConfig),
	tell func(topic string, done inbox.Redriven) error,
) error {
	b.seen = 0
	for _, topic := range b.topics {
		c := inbox.RedriveConfig{
			Brokers: b.options.Brokers, DeadLetter: topic,
			Match: b.match, To: b.mayWrite,
			Sarama: func(s *sarama.Config) {
				s.ClientID, s.Net, s.Producer.Compression = b.settings.ClientID, b.settings.Net, b.settings.Producer.Compression
			},
		}
		change(&c)
		var refused error // of who is told, which is no answer of Kafka's
		if each := c.Each; each != nil {
			c.Each = func(d *inbox.DeadLetter) error {
				refused = each(d)
				return refused
			}
		}
		done, err := do(ctx, c)
		if told := tell(topic, done); told != nil {
			return told
		}
		switch {
		case err != nil && ctx.Err() != nil:
			return context.Cause(ctx)
		case refused != nil:
			return refused
		case err != nil:
			return b.options.Explain("dead letters of "+topic, err)
		}
	}
	return nil
}

// mayWrite reports whether dead letters may be put back to a topic: one that the file can
// name, or that --topic does. A dead letter names its topic in a header, which whoever may
// write to the dead letter topic can set.
func (b *deadLetterTopics) mayWrite(topic string) bool {
	return matchesTopic(append([]string{b.mayName}, b.filter.topics...), topic)
}

func (b *deadLetterTopics) match(d *inbox.DeadLetter) bool {
	if b.filter.limit > 0 && b.seen >= b.filter.limit || !b.filter.wants(d) {
		return false
	}
	b.seen++
	return true
}
