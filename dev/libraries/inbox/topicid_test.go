package inbox_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/pkg/inbox"
)

// A topic that was deleted and made again under a consumer ends it with what to do, also at
// the next start; with the offsets reset nothing is passed over.
func TestTopicMadeAgain(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	config := f.config(t)
	f.events(t, 0, 10, 1)
	m := f.start(t, config, record)
	f.once(t, 10)
	devstacktest.Await(t, "all marked", func() bool { return f.committed(t, config.Group) == 10 })
	if err := f.kafka.DeleteTopic(t.Context(), f.topic); err != nil {
		t.Fatal(err)
	}
	if err := f.kafka.CreateTopic(t.Context(), f.topic, 1, -1, nil); err != nil {
		t.Fatal(err)
	}
	f.events(t, 10, 30, 1)
	m.stopsWith(t, inbox.ErrTopicReplaced, "--reset-offsets")
	if f.committed(t, config.Group) > 0 { // Kafka may have dropped the offsets with the topic
		f.start(t, config, record).stopsWith(t, inbox.ErrTopicReplaced, f.topic)
	}
	f.resetOffsets(t, config.Group)
	f.start(t, config, record)
	f.await(t, 40) // those that were passed over come after others of their key
	rows, ids := f.number(t, "SELECT count(*) FROM effect"), f.number(t, "SELECT count(DISTINCT id) FROM effect")
	if rows != 40 || ids != 40 {
		t.Errorf("%d effects of %d events, want 40", rows, ids)
	}
}

// resetOffsets sets the group's offset of the first partition to the oldest record, as
// kafka-consumer-groups.sh does.
func (f *fixture) resetOffsets(t *testing.T, group string) {
	t.Helper()
	client, err := sarama.NewClient(f.config(t).Brokers, sarama.NewConfig())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	coordinator, err := client.Coordinator(group)
	if err != nil {
		t.Fatal(err)
	}
	commit := &sarama.OffsetCommitRequest{Version: 2, ConsumerGroup: group, ConsumerGroupGeneration: -1, RetentionTime: -1}
	commit.AddBlock(f.topic, 0, 0, 0, "")
	devstacktest.Await(t, "the offset to be set", func() bool { // not before the member has left
		answer, err := coordinator.CommitOffset(commit)
		return err == nil && answer.Errors[f.topic][0] == sarama.ErrNoError
	})
}

// Partitions that are added are read without a restart.
func TestPartitionsAreAdded(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	f.start(t, f.config(t), record)
	f.events(t, 0, 5, 1)
	f.once(t, 5)
	admin, err := f.kafka.Admin()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close() }()
	if err := admin.CreatePartitions(f.topic, 3, nil, false); err != nil {
		t.Fatal(err)
	}
	producer := newProducer(t, f.kafka)
	sent, hit := 5, map[int32]bool{}
	for ; len(hit) < 3; sent++ {
		partition, _, err := producer.SendMessage(f.message(fmt.Sprint(sent), fmt.Sprint("k", sent)))
		if err != nil {
			t.Fatal(err)
		}
		hit[partition] = true
	}
	f.once(t, sent)
}

// A batch that is gigabytes when it is decompressed ends the consumer with its place.
func TestInflatedBatch(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	f.large(t, f.topic)
	f.events(t, 0, 3, 1)
	devstacktest.Inflate(t, f.kafka, f.topic, 20)
	m := f.start(t, f.config(t), record)
	m.stopsWith(t, sarama.ErrDecompressedBatchTooLarge, f.topic+"/0")
}

// A pool that is smaller than what is processed at a time is told.
func TestSmallPoolIsTold(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 2)
	config := f.config(t)
	config.Parallel = 4
	warned := make(chan error, 100)
	config.Observers = append(config.Observers, inbox.ObserverFunc(func(o inbox.Observation) {
		if o.Kind == inbox.KindWarned {
			warned <- o.Err
		}
	}))
	db := devstacktest.OpenSQL(t, f.URL)
	db.SetMaxOpenConns(3)
	consumer, err := inbox.New(config, inbox.SQL(db), func(context.Context, *sql.Tx, *inbox.Event) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	m := run(t, consumer)
	if err := devstacktest.Receive(t, "a warning", warned); !strings.Contains(err.Error(), "3 connections, and 8 records") {
		t.Error(err)
	}
	m.end(t)
}
