package producer_test

import (
	"encoding/binary"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/kafka"
	"github.com/walpost/walpost/internal/producer"
	"github.com/walpost/walpost/internal/record"
)

// Every answer a broker may give to a batch, and what it is taken for. In each
// case nothing is lost, repeated or reordered.
func TestAnswers(t *testing.T) {
	for _, tc := range []struct {
		err   *kerr.Error
		class string
	}{
		{kerr.UnknownTopicOrPartition, "leader_moved"},
		{kerr.LeaderNotAvailable, "leader_moved"},
		{kerr.NotLeaderForPartition, "leader_moved"},
		{kerr.ReplicaNotAvailable, "leader_moved"},
		{kerr.KafkaStorageError, "leader_moved"},
		{kerr.FencedLeaderEpoch, "leader_moved"},
		{kerr.UnknownLeaderEpoch, "leader_moved"},
		{kerr.CorruptMessage, "refused"},
		{kerr.NotEnoughReplicas, "refused"},
		{kerr.ThrottlingQuotaExceeded, "refused"},
		{kerr.InvalidRequest, "unexpected"},
		{kerr.InvalidProducerIDMapping, "producer_id"},
		{kerr.RequestTimedOut, "unknown_outcome"},
		{kerr.NotEnoughReplicasAfterAppend, "unknown_outcome"},
		{kerr.NetworkException, "unknown_outcome"},
		{kerr.UnknownServerError, "unknown_outcome"},
		{kerr.TopicAuthorizationFailed, "denied"},
		{kerr.ClusterAuthorizationFailed, "denied"},
		{kerr.InvalidTimestamp, "invalid_timestamp"},
		{kerr.DuplicateSequenceNumber, ""},
	} {
		t.Run(tc.err.Message, func(t *testing.T) {
			t.Parallel()
			c := fakeCluster(t)
			f := start(t, c.ListenAddrs(), nil)
			f.send("events", 3, 50)
			f.delivered(t)
			answerWith(c, tc.err.Code, 2)
			f.send("events", 3, 50)
			f.delivered(t)
			if tc.class == "" {
				return // said to be in the log already: it counts as done and is not sent again
			}
			if n := f.seen.class(tc.class); n < 2 {
				t.Errorf("%d answers of class %s, want at least 2: %v", n, tc.class, f.seen.classes)
			}
			exactly(t, c.ListenAddrs(), "events", 100)
		})
	}
}

// Answers that say the sequences are out of step: the next epoch of that partition, and
// nothing lost, repeated or reordered.
func TestAnswersAboutSequences(t *testing.T) {
	for _, err := range []*kerr.Error{kerr.OutOfOrderSequenceNumber, kerr.UnknownProducerID, kerr.InvalidProducerEpoch} {
		t.Run(err.Message, func(t *testing.T) {
			t.Parallel()
			c := fakeCluster(t)
			f := start(t, c.ListenAddrs(), nil)
			f.send("events", 3, 50)
			f.delivered(t)
			answerWith(c, err.Code, 2)
			f.send("events", 3, 50)
			f.delivered(t)
			if n := f.seen.class("sequence"); n < 2 {
				t.Errorf("%d answers of class sequence, want at least 2: %v", n, f.seen.classes)
			}
			exactly(t, c.ListenAddrs(), "events", 100)
		})
	}
}

// Answers that no retry can heal halt, with what came before acknowledged.
func TestAnswersThatNeverHeal(t *testing.T) {
	for _, err := range []*kerr.Error{kerr.UnsupportedVersion, kerr.UnsupportedForMessageFormat, kerr.UnsupportedCompressionType} {
		t.Run(err.Message, func(t *testing.T) {
			t.Parallel()
			c := fakeCluster(t)
			f := start(t, c.ListenAddrs(), nil)
			f.send("events", 3, 50)
			f.delivered(t)
			answerWith(c, err.Code, -1)
			f.send("events", 1, 1)
			f.settle(t, "a halt", func() bool { return f.Halted() != nil })
			if w := f.Watermark(); w != 51 {
				t.Errorf("watermark %d, want 51", w)
			}
			exactly(t, c.ListenAddrs(), "events", 50)
		})
	}
}

// Kafka appends every batch and says of some that too few replicas have it, which a
// real one says only in a moment that cannot be made at will (and Kafka 4 hardly at
// all): the connection changes the answer. The same batch goes again, Kafka
// recognises it, and nothing is repeated.
func TestRow24_NotEnoughReplicasAfterAppend(t *testing.T) {
	t.Parallel()
	brokers, topic := topicOn(t, 4, nil)
	lie := &liar{code: kerr.NotEnoughReplicasAfterAppend.Code, every: 3}
	f := start(t, brokers, func(o *producer.Options) {
		o.Config = func() (*sarama.Config, error) {
			c, err := kafka.Settings(kafka.Options{Brokers: brokers, Compression: "lz4"})
			if err == nil {
				c.Net.Proxy.Enable, c.Net.Proxy.Dialer = true, lie
			}
			return c, err
		}
	})
	for range 20 {
		f.send(topic, 11, 200)
		f.delivered(t)
	}
	if n := f.seen.class("unknown_outcome"); n < 5 {
		t.Errorf("%d answers of class unknown_outcome, want more: %v", n, f.seen.classes)
	}
	exactly(t, brokers, topic, int(f.next))
}

// liar dials, and changes the answer to one of every so many produce requests.
type liar struct {
	code  int16
	every int

	mu    sync.Mutex
	count int
}

// Dial is for sarama's Net.Proxy.Dialer.
func (l *liar) Dial(network, addr string) (net.Conn, error) {
	server, err := net.Dial(network, addr)
	if err != nil {
		return nil, err
	}
	client, inner := net.Pipe()
	c := &lyingConn{liar: l, produces: map[uint32]int16{}}
	go func() {
		defer inner.Close()
		defer server.Close()
		frames(server, inner, c.request)
	}()
	go func() {
		defer inner.Close()
		defer server.Close()
		frames(inner, server, c.answer)
	}()
	return client, nil
}

// frames passes Kafka's messages on, each after its size.
func frames(to io.Writer, from io.Reader, change func([]byte) []byte) {
	for {
		var size [4]byte
		if _, err := io.ReadFull(from, size[:]); err != nil {
			return
		}
		body := make([]byte, binary.BigEndian.Uint32(size[:]))
		if _, err := io.ReadFull(from, body); err != nil {
			return
		}
		body = change(body)
		if _, err := to.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)); err != nil {
			return
		}
	}
}

// lyingConn is one connection of a liar.
type lyingConn struct {
	*liar
	produces map[uint32]int16 // versions of the produce requests under way, by correlation id
}

// request notes a produce request: key, version, correlation id.
func (c *lyingConn) request(b []byte) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	if int16(binary.BigEndian.Uint16(b)) == int16(kmsg.Produce) {
		c.produces[binary.BigEndian.Uint32(b[4:])] = int16(binary.BigEndian.Uint16(b[2:]))
	}
	return b
}

// answer changes every so many an answer that says that all is well.
func (c *lyingConn) answer(b []byte) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	version, ok := c.produces[binary.BigEndian.Uint32(b)]
	if !ok {
		return b
	}
	if c.count++; c.count%c.every != 0 {
		return b
	}
	res := kmsg.NewPtrProduceResponse()
	res.Version = version
	if err := res.ReadFrom(b[4:]); err != nil {
		return b
	}
	for i := range res.Topics {
		for j := range res.Topics[i].Partitions {
			res.Topics[i].Partitions[j].ErrorCode = c.code
		}
	}
	return res.AppendTo(b[:4:4])
}

// producerOf is the producer id and epoch of a batch (record batch, version 2).
func producerOf(records []byte) (id int64, epoch int16) {
	const at = 43
	return int64(binary.BigEndian.Uint64(records[at:])), int16(binary.BigEndian.Uint16(records[at+8:]))
}

// A broker that has forgotten the producer id for good (49): the next epoch of it first,
// which keeps stragglers out, then another id; nothing is lost, repeated or reordered.
func TestRow111_ProducerIDThatKafkaForgot(t *testing.T) {
	t.Parallel()
	c := fakeCluster(t)
	f := start(t, c.ListenAddrs(), nil)
	f.send("events", 3, 50)
	f.delivered(t)
	var mu sync.Mutex
	forgotten, epochs := int64(-1), map[int16]bool{}
	c.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		req, ok := r.(*kmsg.ProduceRequest)
		if !ok {
			return nil, nil, false
		}
		mu.Lock()
		defer mu.Unlock()
		id, epoch := producerOf(req.Topics[0].Partitions[0].Records)
		if forgotten < 0 {
			forgotten = id
		}
		if id != forgotten {
			return nil, nil, false
		}
		epochs[epoch] = true
		return devstack.RefuseProduce(req, kerr.InvalidProducerIDMapping.Code), nil, true
	})
	f.send("events", 1, 50) // one key: one partition, so that the requests are of one state
	f.delivered(t)
	exactly(t, c.ListenAddrs(), "events", 100)
	mu.Lock()
	defer mu.Unlock()
	if len(epochs) != 2 {
		t.Errorf("%d epochs of the forgotten id, want the one before and the next", len(epochs))
	}
	if f.seen.repeats != 0 {
		t.Errorf("%d possible repeats, and every attempt was answered", f.seen.repeats)
	}
}

// An answer that no Produce request gets is tried for a while, shown meanwhile with
// Kafka's words, and then left to a person.
func TestRow111_AnswerThatNoProduceRequestGets(t *testing.T) {
	t.Parallel()
	c := fakeCluster(t)
	f := start(t, c.ListenAddrs(), func(o *producer.Options) { o.Patience, o.OnReject = 400*time.Millisecond, record.RejectSkip })
	answerWith(c, kerr.InvalidRequest.Code, -1)
	f.send("events", 1, 1)
	f.settle(t, "the partition to be named", func() bool {
		h := f.Health()
		return len(h.Stuck) == 1 && strings.Contains(h.Stuck[0], "topic events, partition ") &&
			strings.Contains(h.Stuck[0], "error 42") && h.Oldest == h.Stuck[0]
	})
	f.settle(t, "a halt", func() bool { return f.Halted() != nil })
	if h := f.Halted(); h.Hint == "" || !strings.Contains(h.Text, "error 42") {
		t.Errorf("%+v", h)
	}
	if len(f.seen.rejected) != 0 {
		t.Errorf("rejected %v, and no record is at fault", f.seen.rejected)
	}
}

func TestRow23_TooFewReplicas(t *testing.T) {
	t.Parallel()
	k := devstacktest.StartKafka(t, devstack.KafkaOptions{
		Brokers: 3, QuickStart: true, Settings: map[string]string{"broker.session.timeout.ms": "3000"},
	})
	if err := k.CreateTopic(t.Context(), "events", 2, 3, map[string]string{"min.insync.replicas": "3"}); err != nil {
		t.Fatal(err)
	}
	brokers := k.Bootstrap(devstack.Plaintext)
	f := start(t, brokers, nil)
	f.send("events", 3, 500)
	f.delivered(t)
	victim := k.Brokers()[2]
	if err := victim.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.send("events", 3, 500)
	f.settle(t, "Kafka to refuse", func() bool { return f.seen.class("refused")+f.seen.class("unknown_outcome") > 2 })
	if err := victim.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.delivered(t)
	exactly(t, brokers, "events", int(f.next))
}

// The broker's sequences have parted from ours: the partition goes on with the next
// epoch, and nothing is lost or repeated.
func TestRow28_SequencesHaveParted(t *testing.T) {
	t.Parallel()
	brokers, topic := topicOn(t, 3, nil)
	f := start(t, brokers, nil)
	for range 5 {
		f.send(topic, 7, 200)
		f.delivered(t)
		f.SkewSequences(100)
	}
	f.send(topic, 7, 200)
	f.delivered(t)
	if n := f.seen.class("sequence"); n < 5 {
		t.Errorf("%d answers about sequences, want at least one each time", n)
	}
	exactly(t, brokers, topic, int(f.next))
}

func TestSequencesWrap(t *testing.T) {
	t.Parallel()
	const most = 1<<31 - 1
	for _, tc := range []struct {
		seq  int32
		n    int
		want int32
	}{{0, 5, 5}, {most, 1, 0}, {most - 1, 1, most}, {most - 1, 4, 2}} {
		if got := producer.NextSequence(tc.seq, tc.n); got != tc.want {
			t.Errorf("%d records after sequence %d: %d, want %d", tc.n, tc.seq, got, tc.want)
		}
	}
}
