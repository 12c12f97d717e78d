package preflight_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/kafka"
	"github.com/walpost/walpost/internal/kafka/kafkatest"
	"github.com/walpost/walpost/internal/kafka/opentransactions"
	"github.com/walpost/walpost/internal/preflight"
	"github.com/walpost/walpost/internal/producer/transaction"
)

// writer writes transactions as relays of older versions and other programs do.
type writer struct {
	*transaction.Client
	broker *kafka.Client
	topic  string
	seq    int32
}

func newWriter(t *testing.T, o kafka.Options, id, topic string) *writer {
	t.Helper()
	w := &writer{Client: transaction.New(transaction.Options{Kafka: o, ID: id, Timeout: time.Minute}), topic: topic}
	var err error
	if w.broker, err = kafka.Connect(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.broker.Close)
	t.Cleanup(w.Close)
	if err := w.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	return w
}

// open opens a transaction on partition 0.
func (w *writer) open(t *testing.T) {
	t.Helper()
	if refused, err := w.Add(t.Context(), []transaction.Partition{{Topic: w.topic, ID: 0}}); err != nil || len(refused) > 0 {
		t.Fatal(refused, err)
	}
	w.produce(t)
}

// produce writes a record, whether or not a transaction is open.
func (w *writer) produce(t *testing.T) {
	t.Helper()
	id, epoch := w.Epoch()
	now := time.Now()
	req := &sarama.ProduceRequest{Version: 8, RequiredAcks: sarama.WaitForAll, Timeout: 10000, TransactionalID: w.ID()}
	req.AddBatch(w.topic, 0, &sarama.RecordBatch{
		Version: 2, ProducerID: id, ProducerEpoch: epoch, FirstSequence: w.seq, IsTransactional: true,
		FirstTimestamp: now, MaxTimestamp: now, Records: []*sarama.Record{{Value: []byte("{}")}},
	})
	w.seq++
	res, err := kafka.Ask(t.Context(), w.broker, "write", func(b *sarama.Broker) (*sarama.ProduceResponse, error) { return b.Produce(req) })
	if err != nil {
		t.Fatal(err)
	}
	if code := res.Blocks[w.topic][0].Err; code != sarama.ErrNoError {
		t.Fatal(code)
	}
}

// commit ends the transaction, and waits until the partition has its marker.
func (w *writer) commit(t *testing.T) {
	t.Helper()
	if err := w.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	devstacktest.Await(t, "the marker", func() bool {
		found, err := opentransactions.Find(t.Context(), w.broker, w.topic)
		return err == nil && len(found.Open) == 0
	})
}

// abort ends a transaction as kafka-transactions.sh abort does.
func (w *writer) abort(t *testing.T, k *devstack.Kafka) {
	t.Helper()
	client := kafkatest.Must(kgo.NewClient(kgo.SeedBrokers(k.Bootstrap(devstack.Plaintext)...)))
	defer client.Close()
	id, epoch := w.Epoch()
	req := kmsg.NewPtrWriteTxnMarkersRequest()
	req.Markers = []kmsg.WriteTxnMarkersRequestMarker{{
		ProducerID: id, ProducerEpoch: epoch, Topics: []kmsg.WriteTxnMarkersRequestMarkerTopic{{Topic: w.topic, Partitions: []int32{0}}},
	}}
	res := kafkatest.Must(req.RequestWith(t.Context(), client))
	if code := res.Markers[0].Topics[0].Partitions[0].ErrorCode; code != 0 {
		t.Fatal(code)
	}
}

// A transaction that is left open, and one that nobody will end, are named with what ends them.
func TestOpenTransactions(t *testing.T) {
	t.Parallel()
	k := devstacktest.StartKafka(t, devstack.KafkaOptions{
		Users: map[string]string{"reader": kafkatest.Canary}, Authorize: true,
		// Kafka 3.6 and older have no such check, and it can be turned off.
		Settings: map[string]string{"transaction.partition.verification.enable": "false"},
	})
	o := kafka.Options{Brokers: k.Bootstrap(devstack.Plaintext)}
	for _, topic := range []string{"ours", "theirs", "positions", "hidden"} {
		if err := k.CreateTopic(t.Context(), topic, 2, 1, nil); err != nil {
			t.Fatal(err)
		}
	}
	longOpen := time.Hour
	check := func(o kafka.Options, state preflight.State, words ...string) {
		t.Helper()
		list := preflight.Kafka(t.Context(), o, preflight.KafkaExpectations{
			Topics: []string{"ours", "theirs", "hidden"}, ExactlyOnce: &preflight.ExactlyOnce{
				TransactionalID: "relay", PositionTopic: "positions", Timeout: time.Minute, LongOpen: longOpen,
			},
		})
		wantRequirement(t, list, "open transactions", state, words...)
	}
	check(o, preflight.OK, "none is open for longer than 1h0m0s")

	theirs := newWriter(t, o, "billing", "theirs")
	theirs.open(t)
	check(o, preflight.OK, "none is open for longer than 1h0m0s") // yet
	longOpen = time.Nanosecond
	check(o, preflight.Warning, "at offset 0 of theirs, partition 0", "transactional id billing", "of at most 1m0s", "Kafka aborts it")
	theirs.commit(t)
	theirs.produce(t) // arrives too late
	const abort = "kafka-transactions.sh --bootstrap-server %s abort --topic %s --partition 0 --start-offset %d"
	check(o, preflight.Failed, "at offset 2 of theirs, partition 0", "transactional id billing", "nobody will end",
		fmt.Sprintf(abort, o.Brokers[0], "theirs", 2))

	reader := kafka.Options{
		Brokers: k.Bootstrap(devstack.SASLPlaintext), SASL: kafkatest.SASL(kafka.Plain, "reader", kafkatest.Canary),
	}
	allow(t, k, "User:reader", "ours", "theirs", "positions")
	check(reader, preflight.Warning, "at offset 2 of theirs, partition 0", "User:reader may not see (Describe)",
		"find-hanging --topic theirs",
		fmt.Sprintf(abort, reader.Brokers[0], "theirs", 2))
	theirs.abort(t, k)
	check(o, preflight.OK, "none is open")
	check(reader, preflight.OK, "none is open", "1 topics could not be looked at, such as hidden", "needs Read")

	ours := newWriter(t, o, "relay", "ours")
	ours.open(t)
	check(o, preflight.Warning, "at offset 0 of ours", "this relay's transactional id", "if no relay runs, start it")
	next := newWriter(t, o, "relay", "ours") // which the relay is
	check(o, preflight.OK, "none is open")
	next.open(t)
	next.commit(t)
	next.produce(t)
	check(o, preflight.Failed, "at offset 4 of ours", "this relay's transactional id", "stop the relay, then as an administrator",
		fmt.Sprintf(abort, o.Brokers[0], "ours", 4))
}

// allow lets a principal read topics.
func allow(t *testing.T, k *devstack.Kafka, principal string, topics ...string) {
	t.Helper()
	admin := kafkatest.Must(k.Admin())
	defer func() { _ = admin.Close() }()
	for _, topic := range topics {
		err := admin.CreateACLs([]*sarama.ResourceAcls{{
			Resource: sarama.Resource{
				ResourceType: sarama.AclResourceTopic, ResourceName: topic, ResourcePatternType: sarama.AclPatternLiteral,
			},
			Acls: []*sarama.Acl{{
				Principal: principal, Host: "*", Operation: sarama.AclOperationRead, PermissionType: sarama.AclPermissionAllow,
			}},
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
}
