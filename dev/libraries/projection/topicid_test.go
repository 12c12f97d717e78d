package projection_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/pkg/projection"
)

// remake deletes the topic and makes it again.
func (f *fixture) remake(t *testing.T) {
	t.Helper()
	if err := stack.Kafka(t).DeleteTopic(t.Context(), f.topic); err != nil {
		t.Fatal(err)
	}
	if err := stack.Kafka(t).CreateTopic(t.Context(), f.topic, 1, -1, nil); err != nil {
		t.Fatal(err)
	}
}

// replaced reports whether err is ErrTopicReplaced with the topic and what to do.
func (f *fixture) replaced(err error, todo string) bool {
	return errors.Is(err, projection.ErrTopicReplaced) && strings.Contains(err.Error(), f.topic) && strings.Contains(err.Error(), todo)
}

// A topic that was deleted and made again ends Run with what to do: while it runs, and at
// each start until that is done.
func TestTopicMadeAgain(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	f.send(t, 1, 1, 10)
	live := start(t, f.new(t, f.config(t), apply))
	f.exact(t, 1, 1, 10)
	f.remake(t)
	f.send(t, 1, 1, 30)
	<-live.done
	if err := live.err; !f.replaced(err, "next_offset = 0") && !errors.Is(err, sarama.ErrUnknownTopicOrPartition) {
		t.Error(err) // the topic was not there at the moment of the comparison, or was another one
	}
	p := f.new(t, f.config(t), apply)
	err := p.Run(t.Context())
	if !f.replaced(err, "next_offset = 0") {
		t.Error(err)
	}
	if err := p.Rebuild(t.Context()); err != nil { // the position of the topic before is no goal
		t.Fatal(err)
	}
	f.exact(t, 1, 1, 30)
	f.send(t, 1, 31, 40)
	again := start(t, f.new(t, f.config(t), apply))
	f.exact(t, 1, 1, 40)
	again.end(t)
}

// The statement that the error names lets a projection go on with the oldest record.
func TestTopicMadeAgainWhileStopped(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	f.send(t, 1, 1, 10)
	live := start(t, f.new(t, f.config(t), apply))
	f.exact(t, 1, 1, 10)
	live.end(t)
	f.remake(t)
	f.send(t, 1, 11, 40)
	err := f.new(t, f.config(t), apply).Run(t.Context())
	if !f.replaced(err, "UPDATE ") {
		t.Fatal(err)
	}
	f.Exec(t, err.Error()[strings.Index(err.Error(), "UPDATE "):])
	start(t, f.new(t, f.config(t), apply)).waitAndEnd(t, f, 1, 40)
}

// A rebuild that was stopped does not go on in another topic.
func TestTopicMadeAgainUnderARebuild(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	f.send(t, 1, 1, 10)
	p := f.new(t, f.config(t), apply)
	f.Exec(t, "CREATE TABLE totals__rebuild (LIKE totals INCLUDING ALL)",
		"INSERT INTO projection_position VALUES ('totals/rebuild', '"+f.topic+"', 0, 5, 0, now(), 'another')")
	if err := p.Rebuild(t.Context()); !f.replaced(err, "DropRebuild") {
		t.Error(err)
	}
	if err := p.DropRebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := p.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.exact(t, 1, 1, 10)
}

// A table of before topic_id is told with the statement that mends it, and its rows get
// the ids of their topics.
func TestPositionTableOfBefore(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	f.send(t, 1, 1, 20)
	f.Exec(t, "ALTER TABLE projection_position DROP COLUMN topic_id",
		"INSERT INTO projection_position VALUES ('totals', '"+f.topic+"', 0, 10, 0)")
	err := f.new(t, f.config(t), apply).Run(t.Context())
	_, statement, _ := strings.Cut(fmt.Sprint(err), "version: ")
	statement, _, ok := strings.Cut(statement, "):")
	if !ok {
		t.Fatal(err)
	}
	f.Exec(t, statement)
	live := start(t, f.new(t, f.config(t), apply))
	devstacktest.Await(t, "the rest to be applied", func() bool { return f.number(t, "SELECT coalesce(sum(n), 0) FROM totals") == 10 })
	live.end(t)
	if n := f.number(t, "SELECT count(*) FROM projection_position WHERE length(topic_id) = 32"); n != 1 {
		t.Errorf("%d positions with an id", n)
	}
}

// Partitions that are added are read without a restart, from their oldest record.
func TestPartitionsAreAdded(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	config := f.config(t)
	config.Start = projection.At(time.Now().Add(time.Hour)) // not for what comes later
	live := start(t, f.new(t, config, apply))
	devstacktest.Await(t, "the position", func() bool { return f.number(t, "SELECT count(*) FROM projection_position") == 1 })
	admin, err := stack.Kafka(t).Admin()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close() }()
	if err := admin.CreatePartitions(f.topic, 3, nil, false); err != nil {
		t.Fatal(err)
	}
	f.send(t, 20, 1, 5)
	f.exact(t, 20, 1, 5)
	if n := f.number(t, "SELECT count(*) FROM projection_position WHERE next_offset > 0 AND topic_id <> ''"); n != 3 {
		t.Errorf("%d partitions were read", n)
	}
	live.end(t)
}

// A batch that is gigabytes when it is decompressed ends Run with its place, and what is
// before it is applied.
func TestInflatedBatch(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	admin, err := stack.Kafka(t).Admin()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close() }()
	large := "600000000"
	if err := admin.AlterConfig(sarama.TopicResource, f.topic, map[string]*string{"max.message.bytes": &large}, false); err != nil {
		t.Fatal(err)
	}
	f.send(t, 2, 1, 3)
	devstacktest.Inflate(t, stack.Kafka(t), f.topic, 20)
	for range 2 { // it is so at each start
		err = f.new(t, f.config(t), apply).Run(t.Context())
		if !errors.Is(err, projection.ErrInflated) || !strings.Contains(err.Error(), f.topic+"/0: the records at offset 6 ") {
			t.Error(err)
		}
	}
	f.exact(t, 2, 1, 3)
}
