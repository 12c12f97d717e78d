package inbox_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/IBM/sarama"
	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/pkg/inbox"
)

// BenchmarkConsume measures events from Kafka into a table, with four partitions: a
// plain loop over sarama with the same table and the same statements, which knows
// neither retry nor dead letters, and the consumer.
func BenchmarkConsume(b *testing.B) {
	for _, bench := range []struct {
		name   string
		change func(*inbox.Config)
	}{
		{"plain loop", nil},
		{"one by one", func(*inbox.Config) {}},
		{"parallel 8", func(c *inbox.Config) { c.Parallel = 8 }},
		{"batch 100", func(c *inbox.Config) { c.Batch = 100 }},
	} {
		b.Run(bench.name, func(b *testing.B) {
			f := newFixture(b, 4)
			f.events(b, 0, b.N, 1000)
			var left atomic.Int64
			left.Store(int64(b.N))
			done := make(chan struct{})
			config := f.config(b)
			counted := func() {
				if left.Add(-1) == 0 {
					close(done)
				}
			}
			config.Observers = []inbox.Observer{inbox.ObserverFunc(func(o inbox.Observation) {
				if o.Kind == inbox.KindProcessed {
					counted()
				}
			})}
			b.ResetTimer()
			if bench.change == nil {
				stop := f.plainLoop(b, config, counted)
				defer stop()
			} else {
				bench.change(&config)
				f.start(b, config, record)
			}
			<-done
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// bare is what one writes without the package.
type bare struct {
	pool  *pool
	group string
	done  func()
}

func (f *fixture) plainLoop(b *testing.B, config inbox.Config, done func()) (stop func()) {
	b.Helper()
	s := sarama.NewConfig()
	quick(s)
	s.Consumer.Offsets.Initial = sarama.OffsetOldest
	group, err := sarama.NewConsumerGroup(f.kafka.Bootstrap(devstack.Plaintext), config.Group, s)
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error)
	go func() { ended <- group.Consume(ctx, config.Topics, &bare{f.pool, config.Group, done}) }()
	return func() {
		cancel()
		<-ended
		_ = group.Close()
	}
}

func (*bare) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (*bare) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (p *bare) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for m := range claim.Messages() {
		err := pgx.BeginFunc(session.Context(), p.pool, func(tx pgx.Tx) error {
			id := string(m.Headers[0].Value)
			tag, err := tx.Exec(session.Context(), "INSERT INTO inbox (consumer_group, event_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
				p.group, id)
			if err != nil || tag.RowsAffected() == 0 {
				return err
			}
			return record(session.Context(), tx, &inbox.Event{ID: id, Key: m.Key, Partition: m.Partition, Offset: m.Offset})
		})
		if err != nil {
			return err
		}
		session.MarkMessage(m, "")
		p.done()
	}
	return nil
}
