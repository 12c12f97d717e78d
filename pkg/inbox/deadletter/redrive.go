package deadletter

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/pkg/inbox"
	"github.com/walpost/walpost/pkg/inbox/internal/dlt"
	"github.com/walpost/walpost/pkg/inbox/internal/kafka/access"
	"github.com/walpost/walpost/pkg/inbox/internal/kafka/event"
	"github.com/walpost/walpost/pkg/inbox/internal/kafka/read"
	"github.com/walpost/walpost/pkg/inbox/internal/writer"
)

// List calls Config.Each for each dead letter that matches, partition by partition, in the
// order in which they were given up. It reads what the dead letter topic holds when it
// starts, and writes nothing.
func List(ctx context.Context, config Config) (Result, error) {
	config.DryRun = true
	result, err := run(ctx, config, "")
	return result.Result, err
}

// Redrive puts dead letters back to the topics that they came from: to the same
// partition, with the same key, value and headers, in the order in which they were
// given up, partition by partition. A dead letter of walpost's relay, which never was
// in a partition, goes to that of its key. It reads what the dead letter topic holds
// when it starts.
//
// Each one that Kafka has acknowledged is marked in the dead letter topic as
// redriven, by a record of its own, so that the next call leaves it out. When the
// process is killed between the two, the next call puts it back again.
//
// A consumer of pkg/inbox processes them then, since an event that was given up is
// not in its inbox table. Every group that reads the topic gets them: those that have
// processed the event drop it by its id. So nothing happens twice when an event goes
// back again. Records of the same key that came later have mostly been processed
// already: events that go back are out of order with these.
//
// Of a dead letter that lacks a part of its record (Record.Incomplete) the record itself
// is put back, if its topic still has it.
//
// What cannot go back stays where it is, and keeps nothing else back: see Config.Stays. So
// does a partition with a batch of more than sarama.MaxDecompressedBatchSize, which is left
// out, and named in the error. Redrive ends at any other error that is not about one record,
// with what was done so far.
func Redrive(ctx context.Context, config Config) (RedriveResult, error) {
	return run(ctx, config, Redriven)
}

// Discard marks dead letters as discarded, by a record of its own for each in the dead
// letter topic, so that Redrive leaves them out.
func Discard(ctx context.Context, config Config) (Result, error) {
	result, err := run(ctx, config, Discarded)
	return result.Result, err
}

// call is one call of List, Redrive or Discard.
type call struct {
	Config

	how     string // the mark that it makes; "" for none
	reader  sarama.Client
	writer  *writer.Writer
	plain   *writer.Writer // without compression; nil until something needs it
	result  RedriveResult
	refused map[string]error // topics that take no record
}

func run(ctx context.Context, config Config, how string) (RedriveResult, error) {
	c := &call{Config: config, how: how, refused: map[string]error{}, result: RedriveResult{
		Result: Result{Removed: map[int32]int64{}}, Sent: map[string]int{},
	}}
	if err := config.check(); err != nil {
		return c.result, err
	}
	c.IDHeader, c.TypeHeader = cmp.Or(c.IDHeader, event.IDHeader), cmp.Or(c.TypeHeader, event.TypeHeader)
	if c.To == nil {
		c.To = func(topic string) bool { return strings.ReplaceAll(dlt.DefaultTopic, "{topic}", topic) == c.Topic }
	}
	if err := c.connect(ctx); err != nil {
		return c.result, fmt.Errorf("deadletter: %w", err)
	}
	defer c.close()
	if err := c.partitions(ctx); err != nil {
		return c.result, fmt.Errorf("deadletter: %s: %w", c.Topic, err)
	}
	return c.result, nil
}

// check returns all faults at once.
func (c *Config) check() error {
	var faults []error
	refuse := func(field, reason string) { faults = append(faults, &inbox.ConfigError{Field: field, Reason: reason}) }
	access.CheckBrokers(c.Brokers, refuse)
	if c.Topic == "" {
		refuse("Topic", "want the name of the dead letter topic")
	}
	(*access.SASL)(c.SASL).Check(refuse)
	return errors.Join(faults...)
}

// connect opens two clients: on one connection what is sent would wait for the fetch
// before it, which the broker answers when it has something.
func (c *call) connect(ctx context.Context) error {
	s := read.Config("inbox-deadletter")
	s.Producer.Compression = writer.Compression
	s.Consumer.MaxWaitTime = 100 * time.Millisecond // a fetch at the end finds nothing, and is waited for
	access.Set(s, c.TLS, (*access.SASL)(c.SASL))
	if c.ConfigureSarama != nil {
		c.ConfigureSarama(s)
	}
	reader, err := sarama.NewClient(c.Brokers, s)
	if err != nil {
		_, err = access.Explain(ctx, s, c.Brokers, fmt.Errorf("connect to Kafka: %w", err))
		return err
	}
	client, err := sarama.NewClient(c.Brokers, writer.Config(s))
	if err != nil {
		_ = reader.Close()
		return fmt.Errorf("connect to Kafka: %w", err)
	}
	if c.writer, err = writer.New(client); err != nil {
		_ = reader.Close()
		return err
	}
	c.reader = reader
	return nil
}

func (c *call) close() {
	c.writer.Close()
	if c.plain != nil {
		c.plain.Close()
	}
	_ = c.reader.Close() // nothing is under way
}

func (c *call) partitions(ctx context.Context) error {
	all, err := c.reader.Partitions(c.Topic)
	if err != nil {
		return err
	}
	slices.Sort(all)
	removable := map[int32]int64{}
	var unread error // of partitions that cannot be read
	for _, id := range all {
		below, err := c.partition(ctx, id)
		if below > 0 {
			removable[id] = below
		}
		if _, ok := errors.AsType[*read.InflatedError](err); ok {
			unread = errors.Join(unread, err)
			continue
		}
		if err != nil {
			return errors.Join(unread, err)
		}
	}
	if !c.Remove || c.DryRun || len(removable) == 0 {
		return unread
	}
	return errors.Join(unread, c.remove(removable))
}

// remove deletes the records below these offsets.
func (c *call) remove(removable map[int32]int64) error {
	admin, err := sarama.NewClusterAdminFromClient(c.reader)
	if err != nil {
		return err
	}
	if err := admin.DeleteRecords(c.Topic, removable); err != nil {
		return fmt.Errorf("delete what has been handled: %w", access.WithOperation(err, "Delete"))
	}
	maps.Copy(c.result.Removed, removable)
	return nil
}
