package inbox

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/internal/reading"
)

// RedriveConfig says which dead letters go back.
type RedriveConfig struct {
	// Brokers are addresses of Kafka to begin with, host:port.
	Brokers []string
	// DeadLetter is the dead letter topic, by its full name.
	DeadLetter string
	// Match chooses among the dead letters; nil takes all.
	Match func(*DeadLetter) bool
	// DryRun writes and removes nothing.
	DryRun bool
	// Remove deletes from the dead letter topic what went back, from the oldest up to
	// the first dead letter of a partition that did not: Kafka can delete in no other
	// way.
	Remove bool
	// Each is told of each dead letter that matches, before it goes back. An error
	// ends Redrive with it. May be nil.
	Each func(*DeadLetter) error
	// IDHeader and TypeHeader are as in Config.
	IDHeader, TypeHeader string
	// Sarama changes sarama's configuration, as in Config.
	Sarama func(*sarama.Config)
}

// Redriven is what Redrive did, or with DryRun would have done.
type Redriven struct {
	Read    int             // records of the dead letter topic
	Matched int             // of these, those that match
	Sent    map[string]int  // by topic; acknowledged by Kafka
	Removed map[int32]int64 // by partition: everything below this offset
}

// ErrNotDeadLetter is a record in a dead letter topic that does not say where it was.
var ErrNotDeadLetter = errors.New("inbox: not a dead letter: it has no header " + headerTopic)

// Redrive puts dead letters back to the topics that they came from: to the same
// partition, with the same key, value and headers, in the order in which they were
// given up, partition by partition. It reads what the dead letter topic holds when it
// starts.
//
// A consumer of this package processes them then, since an event that was given up is
// not in its inbox table. Every group that reads the topic gets them: those that have
// processed the event drop it by its id. So nothing happens twice when Redrive is
// called again, or was interrupted. Records of the same key that came later have
// mostly been processed already: events that go back are out of order with these.
//
// It ends at the first record that cannot be written, with what was done so far.
func Redrive(ctx context.Context, config RedriveConfig) (Redriven, error) {
	done := Redriven{Sent: map[string]int{}, Removed: map[int32]int64{}}
	if len(config.Brokers) == 0 || config.DeadLetter == "" {
		return done, fmt.Errorf("%w: want Brokers and DeadLetter", ErrConfig)
	}
	r := &redrive{RedriveConfig: config, done: &done, decode: withDefaults(Config{IDHeader: config.IDHeader, TypeHeader: config.TypeHeader})}
	s := reading.Config("inbox-redrive")
	s.Consumer.IsolationLevel = sarama.ReadCommitted
	if config.Sarama != nil {
		config.Sarama(s)
	}
	s.Consumer.Return.Errors = true
	if err := r.connect(s); err != nil {
		return done, err
	}
	defer r.close()
	if err := r.run(ctx); err != nil {
		return done, fmt.Errorf("inbox: redrive %s: %w", config.DeadLetter, err)
	}
	return done, nil
}

// redrive is one call of Redrive.
type redrive struct {
	RedriveConfig
	decode  Config
	reader  sarama.Client
	letters *letters
	done    *Redriven
}

// connect opens two clients: on one connection what is sent would wait for the fetch
// before it, which the broker answers when it has something.
func (r *redrive) connect(config *sarama.Config) error {
	reader, err := sarama.NewClient(r.Brokers, config)
	if err != nil {
		return fmt.Errorf("inbox: connect to Kafka: %w", err)
	}
	writer, err := sarama.NewClient(r.Brokers, producerConfig(config))
	if err != nil {
		_ = reader.Close()
		return fmt.Errorf("inbox: connect to Kafka: %w", err)
	}
	if r.letters, err = newLetters(writer); err != nil {
		_ = reader.Close()
		return err
	}
	r.reader = reader
	return nil
}

func (r *redrive) close() {
	r.letters.close()
	_ = r.reader.Close() // nothing is under way
}

func (r *redrive) run(ctx context.Context) error {
	consumer, err := sarama.NewConsumerFromClient(r.reader)
	if err != nil {
		return err
	}
	defer func() { _ = consumer.Close() }()
	partitions, err := r.reader.Partitions(r.DeadLetter)
	if err != nil {
		return err
	}
	slices.Sort(partitions)
	removable := map[int32]int64{}
	for _, p := range partitions {
		below, err := r.partition(ctx, consumer, p)
		if below > 0 {
			removable[p] = below
		}
		if err != nil {
			return err
		}
	}
	if !r.Remove || r.DryRun || len(removable) == 0 {
		return nil
	}
	admin, err := sarama.NewClusterAdminFromClient(r.reader)
	if err != nil {
		return err
	}
	if err := admin.DeleteRecords(r.DeadLetter, removable); err != nil {
		return fmt.Errorf("delete what went back: %w", err)
	}
	maps.Copy(r.done.Removed, removable)
	return nil
}

// partition puts back one partition's, and gives the offset below which all went.
func (r *redrive) partition(ctx context.Context, consumer sarama.Consumer, p int32) (removable int64, err error) {
	first, err := r.reader.GetOffset(r.DeadLetter, p, sarama.OffsetOldest)
	if err != nil {
		return 0, err
	}
	end, err := r.reader.GetOffset(r.DeadLetter, p, sarama.OffsetNewest)
	if err != nil || first >= end {
		return 0, err
	}
	records, err := consumer.ConsumePartition(r.DeadLetter, p, first)
	if err != nil {
		return 0, err
	}
	defer func() { _ = records.Close() }()
	all := true
	err = each(ctx, records, end, func(m *sarama.ConsumerMessage) error {
		sent, err := r.record(m)
		if all = all && sent; all && err == nil {
			removable = m.Offset + 1
		}
		return err
	})
	return removable, err
}

// each reads up to the end. The last offsets may hold no record, but a transaction's
// marker: then nothing comes for a while.
func each(ctx context.Context, records sarama.PartitionConsumer, end int64, do func(*sarama.ConsumerMessage) error) error {
	const silence = 5 * time.Second
	quiet := time.NewTimer(silence)
	defer quiet.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-records.Errors():
			return err
		case <-quiet.C:
			if records.HighWaterMarkOffset() < end {
				quiet.Reset(silence) // no answer yet
				continue
			}
			return nil
		case m := <-records.Messages():
			if m.Offset >= end {
				return nil
			}
			if err := do(m); err != nil || m.Offset+1 == end {
				return err
			}
			quiet.Reset(silence)
		}
	}
}

// record puts one back, and says whether it did.
func (r *redrive) record(m *sarama.ConsumerMessage) (sent bool, err error) {
	r.done.Read++
	letter, ok := deadLetterOf(m, &r.decode)
	if !ok {
		return false, fmt.Errorf("%w (partition %d, offset %d)", ErrNotDeadLetter, m.Partition, m.Offset)
	}
	if r.Match != nil && !r.Match(&letter) {
		return false, nil
	}
	r.done.Matched++
	if r.Each != nil {
		if err := r.Each(&letter); err != nil {
			return false, err
		}
	}
	if r.DryRun {
		return false, nil
	}
	if err := r.letters.send(letter.record()); err != nil {
		return false, fmt.Errorf("put back to %s (partition %d, offset %d): %w", letter.Event.Topic, m.Partition, m.Offset, err)
	}
	r.done.Sent[letter.Event.Topic]++
	return true, nil
}
