package devstacktest

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/walpost/walpost/dev/devstack"
)

// Inflate appends one compressed batch of n records to partition 0 of a topic, which is small in Kafka and n times 10 MiB when it is
// decompressed.
func Inflate(t testing.TB, k *devstack.Kafka, topic string, n int) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(k.Bootstrap(devstack.Plaintext)...), kgo.ProducerBatchCompression(kgo.ZstdCompression()),
		kgo.BrokerMaxWriteBytes(1<<30), kgo.ProducerBatchMaxBytes(1<<29), kgo.ProducerLinger(time.Second), kgo.MaxBufferedBytes(1<<30),
		kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	zeros := make([]*kgo.Record, n)
	for i := range zeros {
		zeros[i] = &kgo.Record{Topic: topic, Key: []byte("k"), Value: make([]byte, 10<<20)}
	}
	if err := client.ProduceSync(t.Context(), zeros...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}
