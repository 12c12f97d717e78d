package cli

import (
	"context"
	"errors"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/kafka"
	"github.com/walpost/walpost/internal/wiring"
	"github.com/walpost/walpost/pkg/inbox/deadletter"
)

// deadLetterTopics is the dead letter topics of a file.
type deadLetterTopics struct {
	filter   *deadLetterFilter
	options  kafka.Options
	settings *sarama.Config
	topics   []string
	mayName  []string // globs of the topics that the file can name
	// checkTopic returns why rows that name a topic are rejected.
	checkTopic func(topic string) error
	seen       int // letters that passed the filter, over all topics
}

// openDeadLetterTopics finds the topics. Those that are named in full are to be there.
func openDeadLetterTopics(cfg *config.Config, filter *deadLetterFilter) (*deadLetterTopics, error) {
	b := &deadLetterTopics{filter: filter, options: wiring.Kafka(cfg), mayName: cfg.Outbox.TopicGlobs(), checkTopic: cfg.CheckTopic}
	var err error
	if b.settings, err = kafka.Settings(b.options); err != nil {
		return nil, err
	}
	all := filter.in
	if len(all) == 0 {
		all = deadLetterGlobs(cfg)
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

// deadLetterGlobs returns globs that cover the dead letter topics of all rows.
func deadLetterGlobs(cfg *config.Config) []string {
	letter := cfg.Delivery.DeadLetter
	if len(letter.Columns()) == 0 {
		return []string{letter.String()}
	}
	var globs []string
	for _, glob := range cfg.Outbox.TopicGlobs() {
		globs = append(globs, letter.Render(glob))
	}
	return globs
}

// deadLetterAction is what is to be done with the dead letters that match.
type deadLetterAction func(context.Context, deadletter.Config) (deadletter.RedriveResult, error)

func listDeadLetters(ctx context.Context, config deadletter.Config) (deadletter.RedriveResult, error) {
	found, err := deadletter.List(ctx, config)
	return deadletter.RedriveResult{Result: found}, err
}

func discardDeadLetters(ctx context.Context, config deadletter.Config) (deadletter.RedriveResult, error) {
	done, err := deadletter.Discard(ctx, config)
	return deadletter.RedriveResult{Result: done}, err
}

// each calls do for one topic after the other. change sets what is not common to all. A
// partition that cannot be read keeps nothing else back; see isUnread.
func (b *deadLetterTopics) each(ctx context.Context, do deadLetterAction, change func(*deadletter.Config),
	tell func(topic string, done deadletter.RedriveResult) error,
) error {
	b.seen = 0
	var unread error
	for _, topic := range b.topics {
		c := deadletter.Config{
			Brokers: b.options.Brokers, Topic: topic,
			Match: b.match, To: b.mayWrite,
			ConfigureSarama: func(s *sarama.Config) {
				s.ClientID, s.Net, s.Producer.Compression = b.settings.ClientID, b.settings.Net, b.settings.Producer.Compression
			},
		}
		change(&c)
		var refused error // of who is told, which is no answer of Kafka's
		c.Each, c.Stays = noting(c.Each, &refused), noting(c.Stays, &refused)
		done, err := do(ctx, c)
		if told := tell(topic, done); told != nil {
			return told
		}
		switch {
		case err != nil && ctx.Err() != nil:
			return context.Cause(ctx)
		case refused != nil:
			return refused
		case isUnread(err):
			unread = errors.Join(unread, b.options.Explain("dead letters of "+topic, err))
		case err != nil:
			return errors.Join(unread, b.options.Explain("dead letters of "+topic, err))
		}
	}
	return unread
}

// isUnread reports whether partitions were left out, and the others were read.
func isUnread(err error) bool { return errors.Is(err, sarama.ErrDecompressedBatchTooLarge) }

// noting returns do, which notes its error besides.
func noting(do func(*deadletter.Record) error, failed *error) func(*deadletter.Record) error {
	if do == nil {
		return nil
	}
	return func(r *deadletter.Record) error {
		*failed = do(r)
		return *failed
	}
}

// mayWrite reports whether dead letters may be put back to a topic: one that rows can name
// by the file, or that --topic names. A dead letter names its topic in a header, which whoever may
// write to the dead letter topic can set.
func (b *deadLetterTopics) mayWrite(topic string) bool {
	return matchesTopic(b.filter.topics, topic) || matchesTopic(b.mayName, topic) && b.checkTopic(topic) == nil
}

func (b *deadLetterTopics) match(d *deadletter.Record) bool {
	if b.filter.limit > 0 && b.seen >= b.filter.limit || !b.filter.wants(d) {
		return false
	}
	b.seen++
	return true
}
