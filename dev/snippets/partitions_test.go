package snippets_test

import (
	"fmt"
	"hash/crc32"
	"hash/fnv"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/internal/murmur2"
)

// hashes choose the partition of a key, each as clients do.
func hashes() map[string]func(key []byte, partitions int32) int32 {
	return map[string]func(key []byte, partitions int32) int32{
		"murmur2": murmur2.Partition,
		"CRC32":   func(key []byte, partitions int32) int32 { return int32(crc32.ChecksumIEEE(key) % uint32(partitions)) },
		"FNV-1a": func(key []byte, partitions int32) int32 {
			h := fnv.New32a()
			_, _ = h.Write(key)
			at := int32(h.Sum32()) % partitions // signed, as sarama does
			return max(at, -at)
		},
	}
}

// The table of docs/outbox.md says by which hash the clients of other languages choose a partition, and whether that
// is walpost's: each client writes a hundred keys with what it does by default.
func TestPartitionsOfOtherClients(t *testing.T) {
	t.Parallel()
	const partitions = 12
	topics := map[string]string{}
	for _, client := range []string{"Java client", "kafka-python", "kafkajs 2", "franz-go", "librdkafka", "murmur2_random", "sarama"} {
		topics[client] = stack.Topic(t, partitions)
	}
	broker := stack.Kafka(t).Bootstrap(devstack.Plaintext)[0]
	t.Run("produce", func(t *testing.T) {
		for language, produce := range map[string]func(*testing.T, string, map[string]string){
			"java": produceJava, "python": producePython, "node": produceNode, "go": produceGo,
		} {
			t.Run(language, func(t *testing.T) {
				t.Parallel()
				produce(t, broker, topics)
			})
		}
	})
	page := read(t, outboxPage)
	for client, topic := range topics {
		hash, same := row(t, page, client)
		if (hash == "murmur2") != same {
			t.Errorf("%s: murmur2 is walpost's hash, and no other", client)
		}
		records, err := stack.Kafka(t).Records(t.Context(), topic)
		if err != nil || len(records) != 100 {
			t.Fatalf("%d records of %s: %v", len(records), client, err)
		}
		for _, r := range records {
			if want := hashes()[hash](r.Key, partitions); r.Partition != want {
				t.Errorf("%s writes %q into partition %d, by %s it is %d", client, r.Key, r.Partition, hash, want)
				break
			}
		}
	}
}

// row returns what the page's table says of a client.
func row(t *testing.T, page, client string) (hash string, same bool) {
	t.Helper()
	if client == "murmur2_random" {
		return "murmur2", strings.Contains(page, "no; with `partitioner=murmur2_random` yes")
	}
	for line := range strings.Lines(page) {
		if cells := strings.Split(line, " | "); len(cells) == 3 && strings.Contains(cells[0], client) {
			return strings.Fields(cells[1])[0], strings.HasPrefix(cells[2], "yes")
		}
	}
	t.Fatalf("%s has no row for %s", outboxPage, client)
	return "", false
}

func produceJava(t *testing.T, broker string, topics map[string]string) {
	sources := t.TempDir()
	write(t, sources, "Produce.java", read(t, "dev/snippets/testdata/Produce.java"))
	java, classes := compile(t, sources)
	runs(t, exec.CommandContext(t.Context(), java, "-cp", classes, "Produce", broker, topics["Java client"]))
}

func producePython(t *testing.T, broker string, topics map[string]string) {
	python, env := pythonWith(t)
	cmd := exec.CommandContext(t.Context(), python, testdata(t, "produce.py"), broker,
		topics["kafka-python"], topics["librdkafka"], topics["murmur2_random"])
	cmd.Env = append(os.Environ(), env)
	runs(t, cmd)
}

func produceNode(t *testing.T, broker string, topics map[string]string) {
	node, folder := nodeWith(t)
	program := write(t, folder, "produce.mjs", read(t, "dev/snippets/testdata/produce.mjs"))
	cmd := exec.CommandContext(t.Context(), node, program, broker, topics["kafkajs 2"])
	cmd.Env = append(os.Environ(), "KAFKAJS_NO_PARTITIONER_WARNING=1")
	runs(t, cmd)
}

// produceGo writes by franz-go and sarama.
func produceGo(t *testing.T, broker string, topics map[string]string) {
	franz, err := kgo.NewClient(kgo.SeedBrokers(broker))
	if err != nil {
		t.Fatal(err)
	}
	defer franz.Close()
	config := sarama.NewConfig()
	config.Producer.Return.Successes = true
	producer, err := sarama.NewSyncProducer([]string{broker}, config)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = producer.Close() }()
	for n := range 100 {
		key := fmt.Sprint("key ", n)
		if err := franz.ProduceSync(t.Context(), &kgo.Record{Topic: topics["franz-go"], Key: []byte(key)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
		if _, _, err := producer.SendMessage(&sarama.ProducerMessage{Topic: topics["sarama"], Key: sarama.StringEncoder(key)}); err != nil {
			t.Fatal(err)
		}
	}
}
