package replay_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/internal/recover/recovertest"
	"github.com/walpost/walpost/internal/replay"
	"github.com/walpost/walpost/internal/republish"
)

// A batch of a few kB that would be 600 MB is not decompressed: the command ends and
// names the place. It is not parallel, for it counts what is allocated.
func TestRow127_CompressedBatchOf600MB(t *testing.T) { //nolint:paralleltest // see above
	f := recovertest.New(t, &stack, nil)
	zeros(t, f.Topic, 60, 10<<20)
	before := recovertest.Allocated()
	r, plan, err := openReplay(t, f, replay.Options{Topic: f.Topic, ToTopic: stack.Topic(t, 1)})
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.Run(t.Context(), plan, func(republish.Result) {})
	if text := fmt.Sprint(err); !strings.Contains(text, "partition 0") || !strings.Contains(text, "offset 0") ||
		!strings.Contains(text, "128 MiB") {
		t.Errorf("ended with %v", err)
	}
	if n := recovertest.Allocated() - before; n > 400<<20 {
		t.Errorf("%d MiB were allocated", n>>20)
	}
}

// zeros writes one batch of records of so many zeros each, compressed with zstd.
func zeros(t *testing.T, topic string, records, size int) {
	t.Helper()
	limit := sarama.MaxRequestSize
	defer func() { sarama.MaxRequestSize = limit }()
	sarama.MaxRequestSize = 1 << 30 // sarama counts before it compresses
	settings := sarama.NewConfig()
	settings.Version = sarama.V2_1_0_0
	client, err := sarama.NewClient(stack.Kafka(t).Bootstrap(devstack.Plaintext), settings)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	leader, err := client.Leader(topic, 0)
	if err != nil {
		t.Fatal(err)
	}
	batch := &sarama.RecordBatch{
		Version: 2, Codec: sarama.CompressionZSTD, CompressionLevel: sarama.CompressionLevelDefault, ProducerID: -1,
		ProducerEpoch: -1, FirstSequence: -1,
		FirstTimestamp: time.Now(), MaxTimestamp: time.Now(), LastOffsetDelta: int32(records - 1),
	}
	value := make([]byte, size)
	for i := range records {
		batch.Records = append(batch.Records, &sarama.Record{OffsetDelta: int64(i), Value: value})
	}
	req := &sarama.ProduceRequest{Version: 7, RequiredAcks: sarama.WaitForAll, Timeout: 30_000}
	req.AddBatch(topic, 0, batch)
	res, err := leader.Produce(req)
	if err != nil {
		t.Fatal(err)
	}
	if block := res.GetBlock(topic, 0); block == nil || block.Err != sarama.ErrNoError {
		t.Fatalf("%+v", block)
	}
}
