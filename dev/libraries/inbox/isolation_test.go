package inbox_test

import (
	"testing"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
)

// What a transaction of Kafka has aborted is nobody's event.
func TestReadCommitted(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	config := sarama.NewConfig()
	config.Version = sarama.V3_6_0_0
	config.Producer.RequiredAcks, config.Producer.Idempotent = sarama.WaitForAll, true
	config.Producer.Return.Successes = true
	config.Producer.Transaction.ID = f.topic
	config.Net.MaxOpenRequests = 1
	producer, err := sarama.NewSyncProducer(f.kafka.Bootstrap(devstack.Plaintext), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = producer.Close() })
	for _, step := range []struct {
		id  string
		end func() error
	}{{"aborted", producer.AbortTxn}, {"committed", producer.CommitTxn}} {
		if err := producer.BeginTxn(); err != nil {
			t.Fatal(err)
		}
		if _, _, err := producer.SendMessage(f.message(step.id, "k")); err != nil {
			t.Fatal(err)
		}
		if err := step.end(); err != nil {
			t.Fatal(err)
		}
	}
	consumer := f.config(t)
	m := f.start(t, consumer, record)
	f.once(t, 1)
	devstacktest.Await(t, "all marked", func() bool { return f.committed(t, consumer.Group) >= 3 }) // offset 1 is the abort
	m.end(t)
	f.once(t, 1)
	if n := f.number(t, "SELECT count(*) FROM effect WHERE id = 'committed'"); n != 1 {
		t.Errorf("%d effects of what was committed", n)
	}
}
