package inbox

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/internal/kafka/read"
	"github.com/walpost/walpost/internal/murmur2"
)

// RedriveConfig says which dead letters are meant, for [Redrive] and [Discard].
type RedriveConfig struct {
	// Brokers are addresses of Kafka to begin with, host:port.
	Brokers []string
	// DeadLetter is the dead letter topic, by its full name.
	DeadLetter string
	// Match chooses among the dead letters; nil takes all.
	Match func(*DeadLetter) bool
	// Handled includes dead letters that were redriven or discarded before.
	Handled bool
	// DryRun writes and removes nothing.
	DryRun bool
	// Remove deletes from the dead letter topic what has been handled, from the oldest
	// up to the first dead letter of a partition that has not: Kafka can delete in no
	// other way. Without it the records stay as long as the topic keeps them.
	Remove bool
	// Each is told of each dead letter that matches, before anything is done with it.
	// An error ends the call with it. May be nil.
	Each func(*DeadLetter) error
	// To reports whether dead letters may be put back to a topic, which a header of theirs
	// names. Nil: only to X, where DeadLetter is X.DLT.
	To func(topic string) bool
	// IDHeader and TypeHeader are as in Config.
	IDHeader, TypeHeader string
	// Sarama changes sarama's configuration, as in Config.
	Sarama func(*sarama.Config)
}

// Redriven is what Redrive or Discard did, or with DryRun would have done.
type Redriven struct {
	Read      int             // dead letters of the topic, handled ones included
	Matched   int             // of these, those that match
	Sent      map[string]int  // put back, by topic; acknowledged by Kafka
	Discarded int             // marked as discarded; acknowledged by Kafka
	Left      int             // by Redrive, of those that match: DeadLetter.Incomplete, and their record is gone, so they stay
	Elsewhere map[string]int  // by Redrive, of those that match: for a topic that RedriveConfig.To refuses, so they stay
	Foreign   int             // records that do not say where they were: they are not of this package, and are passed over
	Removed   map[int32]int64 // by partition: everything below this offset
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
// A consumer of this package processes them then, since an event that was given up is
// not in its inbox table. Every group that reads the topic gets them: those that have
// processed the event drop it by its id. So nothing happens twice when an event goes
// back again. Records of the same key that came later have mostly been processed
// already: events that go back are out of order with these.
//
// Of a dead letter that lacks a part of its record (DeadLetter.Incomplete) the record
// itself is put back, if its topic still has it. If not, the dead letter stays where it
// is, and is counted in Redriven.Left. A record of another program in the dead letter topic
// is passed over, and counted in Redriven.Foreign.
//
// It ends at the first record that cannot be written, with what was done so far.
func Redrive(ctx context.Context, config RedriveConfig) (Redriven, error) {
	return handle(ctx, config, redriven)
}

// Discard marks dead letters as discarded, by a record of its own for each in the
// dead letter topic, so that Redrive leaves them out. Kafka cannot take a record out
// of the middle of a topic: they stay readable until retention takes them, or Remove.
func Discard(ctx context.Context, config RedriveConfig) (Redriven, error) {
	return handle(ctx, config, discarded)
}

func handle(ctx context.Context, config RedriveConfig, how string) (Redriven, error) {
	done := Redriven{Sent: map[string]int{}, Elsewhere: map[string]int{}, Removed: map[int32]int64{}}
	if len(config.Brokers) == 0 || config.DeadLetter == "" {
		return done, fmt.Errorf("%w: want Brokers and DeadLetter", ErrConfig)
	}
	r := &redrive{
		RedriveConfig: config, how: how, done: &done,
		decode: withDefaults(Config{IDHeader: config.IDHeader, TypeHeader: config.TypeHeader}),
	}
	if r.To == nil {
		r.To = func(topic string) bool { return defaultDeadLetterOf(topic) == config.DeadLetter }
	}
	s := read.Config("inbox-redrive")
	s.Producer.Compression = deadLetterCompression
	s.Consumer.MaxWaitTime = 100 * time.Millisecond // a fetch at the end finds nothing, and is waited for
	if config.Sarama != nil {
		config.Sarama(s)
	}
	s.Consumer.IsolationLevel = sarama.ReadCommitted
	s.Consumer.Return.Errors = true
	if err := r.connect(s); err != nil {
		return done, err
	}
	defer r.close()
	if err := r.run(ctx); err != nil {
		return done, fmt.Errorf("inbox: %s: %w", config.DeadLetter, err)
	}
	return done, nil
}

// redrive is one call of Redrive or Discard.
type redrive struct {
	RedriveConfig
	how    string
	decode Config
	reader sarama.Client
	writer *writer
	done   *Redriven
}

// connect opens two clients: on one connection what is sent would wait for the fetch
// before it, which the broker answers when it has something.
func (r *redrive) connect(config *sarama.Config) error {
	reader, err := sarama.NewClient(r.Brokers, config)
	if err != nil {
		return fmt.Errorf("inbox: connect to Kafka: %w", err)
	}
	client, err := sarama.NewClient(r.Brokers, producerConfig(config))
	if err != nil {
		_ = reader.Close()
		return fmt.Errorf("inbox: connect to Kafka: %w", err)
	}
	if r.writer, err = newWriter(client); err != nil {
		_ = reader.Close()
		return err
	}
	r.reader = reader
	return nil
}

func (r *redrive) close() {
	r.writer.close()
	_ = r.reader.Close() // nothing is under way
}

func (r *redrive) run(ctx context.Context) error {
	partitions, err := r.reader.Partitions(r.DeadLetter)
	if err != nil {
		return err
	}
	slices.Sort(partitions)
	removable := map[int32]int64{}
	for _, p := range partitions {
		below, err := r.partition(ctx, p)
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
	return r.remove(removable)
}

// remove deletes the records below these offsets.
func (r *redrive) remove(removable map[int32]int64) error {
	admin, err := sarama.NewClusterAdminFromClient(r.reader)
	if err != nil {
		return err
	}
	if err := admin.DeleteRecords(r.DeadLetter, removable); err != nil {
		return fmt.Errorf("delete what has been handled: %w", err)
	}
	maps.Copy(r.done.Removed, removable)
	return nil
}

// partition handles the dead letters of one partition, and returns the offset below which
// all are handled.
func (r *redrive) partition(ctx context.Context, id int32) (removable int64, err error) {
	p := read.Partition{Client: r.reader, Topic: r.DeadLetter, ID: id, Committed: true, MaxWait: r.reader.Config().Consumer.MaxWaitTime}
	_, first, end, err := p.Offsets(ctx, time.Time{})
	if err != nil {
		return 0, err
	}
	before, err := marks(ctx, p, first, end)
	if err != nil {
		return 0, err
	}
	all := true
	err = p.Range(ctx, first, end, func(rec read.Record) error {
		handled, err := r.record(ctx, messageOf(p, rec), before[rec.Offset])
		if all = all && handled; all && err == nil {
			removable = rec.Offset + 1
		}
		return err
	})
	if failed, ok := errors.AsType[*read.FuncError](err); ok {
		err = failed.Err
	}
	return removable, err
}

// marks returns what was handled before, by offset.
func marks(ctx context.Context, p read.Partition, first, end int64) (map[int64]mark, error) {
	before := map[int64]mark{}
	err := p.Range(ctx, first, end, func(rec read.Record) error {
		if at, mark, is := markOf(messageOf(p, rec)); is {
			before[at] = mark
		}
		return nil
	})
	return before, err
}

// messageOf returns a record in the form that a consumer of sarama's gives.
func messageOf(p read.Partition, rec read.Record) *sarama.ConsumerMessage {
	return &sarama.ConsumerMessage{
		Topic: p.Topic, Partition: p.ID, Offset: rec.Offset, Timestamp: rec.Time, Key: rec.Key, Value: rec.Value, Headers: rec.Headers,
	}
}

// record handles one, and says whether it is handled now, or was before.
func (r *redrive) record(ctx context.Context, m *sarama.ConsumerMessage, before mark) (handled bool, err error) {
	if _, _, ok := markOf(m); ok {
		return true, nil
	}
	letter, ok := deadLetterOf(m, &r.decode)
	if !ok {
		r.done.Foreign++
		return false, nil
	}
	r.done.Read++
	letter.Handled, letter.HandledAt = before.how, before.at
	handled = letter.Handled != ""
	if handled && !r.Handled || r.Match != nil && !r.Match(&letter) {
		return handled, nil
	}
	r.done.Matched++
	if r.how == redriven {
		if err := r.mayGoBack(ctx, &letter); err != nil {
			return handled, err
		}
	}
	if r.Each != nil {
		if err := r.Each(&letter); err != nil {
			return handled, err
		}
	}
	if r.DryRun || letter.Stays != "" {
		return handled, nil
	}
	return true, r.settle(&letter)
}

// mayGoBack sets DeadLetter.Stays, and reads the record of one that lacks a part of it.
func (r *redrive) mayGoBack(ctx context.Context, letter *DeadLetter) error {
	if !r.To(letter.Event.Topic) {
		r.done.Elsewhere[letter.Event.Topic]++
		letter.Stays = "it names a topic that redriving was not allowed to write to"
		return nil
	}
	if letter.Incomplete == "" {
		return nil
	}
	found, err := r.complete(ctx, letter)
	if err == nil && !found {
		r.done.Left++
		letter.Stays = "it lacks a part of its record, and the record is gone"
	}
	return err
}

// complete reads the record of a dead letter where it was, and reports whether it is still
// there: the offset may be another's, if the topic was made anew.
func (r *redrive) complete(ctx context.Context, letter *DeadLetter) (found bool, err error) {
	e := &letter.Event
	if e.Partition < 0 || e.Offset < 0 {
		return false, nil // a row of the relay's
	}
	p := read.Partition{Client: r.reader, Topic: e.Topic, ID: e.Partition, Committed: true, MaxWait: r.reader.Config().Consumer.MaxWaitTime}
	oldest, _, end, err := p.Offsets(ctx, time.Time{})
	switch {
	case err != nil && read.IsPermanent(err):
		return false, nil
	case err != nil:
		return false, err
	case e.Offset < oldest || e.Offset >= end:
		return false, nil
	}
	err = p.Range(ctx, e.Offset, e.Offset+1, func(rec read.Record) error {
		if was, _ := r.decode.eventOf(messageOf(p, rec)); was.ID == e.ID && was.Time.Equal(e.Time) {
			letter.whole, found = was, true
		}
		return nil
	})
	if errors.Is(err, sarama.ErrOffsetOutOfRange) {
		return false, nil
	}
	return found, err
}

// settle puts a dead letter back, where that is wanted, and marks it.
func (r *redrive) settle(letter *DeadLetter) error {
	if r.how == redriven {
		if err := r.putBack(letter); err != nil {
			return fmt.Errorf("put back to %s (partition %d, offset %d): %w", letter.Event.Topic, letter.Partition, letter.Offset, err)
		}
		r.done.Sent[letter.Event.Topic]++
	}
	if err := r.writer.send(letter.marker(r.how)); err != nil {
		return fmt.Errorf("mark as %s (partition %d, offset %d): %w", r.how, letter.Partition, letter.Offset, err)
	}
	if r.how == discarded {
		r.done.Discarded++
	}
	return nil
}

// putBack sends the record to where it was; one that was nowhere, by its key.
func (r *redrive) putBack(letter *DeadLetter) error {
	m := letter.record()
	if m.Partition < 0 && letter.Event.Key != nil {
		partitions, err := r.writer.client.Partitions(m.Topic)
		if err != nil {
			return err
		}
		m.Partition = murmur2.Partition(letter.Event.Key, int32(len(partitions)))
	}
	return r.writer.send(m)
}
