package projection_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/IBM/sarama"
	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/pkg/projection"
)

// A partition that is added while a rebuild is at work is in the new tables too, as far as
// it was in the old, and Run goes on.
func TestRebuildReadsPartitionsThatAreAdded(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	f.send(t, 2, 1, 20)
	begun, goOn := make(chan struct{}), make(chan struct{})
	var once sync.Once
	p := f.new(t, f.config(t), func(ctx context.Context, tx pgx.Tx, e *projection.Event) error {
		if e.Rebuilding() {
			once.Do(func() { close(begun) })
			<-goOn
		}
		return apply(ctx, tx, e)
	})
	live := start(t, p)
	f.exact(t, 2, 1, 20)
	rebuilt := make(chan error, 1)
	go func() { rebuilt <- p.Rebuild(t.Context()) }()
	devstacktest.Receive(t, "the rebuild to begin", begun)
	admin, err := stack.Kafka(t).Admin()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close() }()
	if err := admin.CreatePartitions(f.topic, 2, nil, false); err != nil {
		t.Fatal(err)
	}
	const added = 10
	add := func(n int64) {
		f.sendTo(t, 1, n, added)
		devstacktest.Await(t, "the new partition to be applied", func() bool {
			return f.number(t, fmt.Sprintf("SELECT count(*) FROM totals WHERE key LIKE 'new%%' AND last = %d", n)) == added
		})
	}
	add(1)
	close(goOn)
	if err := devstacktest.Receive(t, "the rebuild to end", rebuilt); err != nil {
		t.Fatal(err)
	}
	if n := f.number(t, "SELECT count(*) FROM totals WHERE key LIKE 'new%'"); n != added {
		t.Errorf("%d records of the new partition in the new table, want %d", n, added)
	}
	add(2)
	if n := f.number(t, "SELECT sum(wrong) FROM totals"); n != 0 {
		t.Errorf("%d records out of order or twice", n)
	}
	live.end(t)
}

// sendTo writes a number for each of the keys new0, new1, ... to one partition.
func (f *fixture) sendTo(t *testing.T, partition int32, n int64, keys int) {
	t.Helper()
	producer := newProducer(t, func(c *sarama.Config) { c.Producer.Partitioner = sarama.NewManualPartitioner })
	defer producer.Close()
	for k := range keys {
		if _, _, err := producer.SendMessage(&sarama.ProducerMessage{
			Topic: f.topic, Partition: partition,
			Key: sarama.StringEncoder(fmt.Sprint("new", k)), Value: sarama.StringEncoder(fmt.Sprint(n)),
		}); err != nil {
			t.Fatal(err)
		}
	}
}
