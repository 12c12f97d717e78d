package producer_test

import (
	"encoding/binary"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/walpost/walpost/internal/kafka"
	"github.com/walpost/walpost/internal/producer"
	"github.com/walpost/walpost/internal/record"
)

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

// Answers about a record: the batch is halved until the one record is found, so an
// answer that does not come again rejects nothing.
func TestAnswersAboutRecords(t *testing.T) {
	for _, tc := range []struct {
		err   *kerr.Error
		class string
	}{
		{kerr.MessageTooLarge, "too_large"},
		{kerr.RecordListTooLarge, "too_large"},
		{kerr.InvalidRecord, "invalid_record"},
		{kerr.PolicyViolation, "invalid_record"},
	} {
		t.Run(tc.err.Message, func(t *testing.T) {
			t.Parallel()
			c := fakeCluster(t)
			// A request waits to fill, long enough on a busy machine: one record alone
			// would be the one to reject.
			f := start(t, c.ListenAddrs(), func(o *producer.Options) { o.Linger = 2 * time.Second })
			f.send("events", 1, 1)
			f.delivered(t)
			answerWith(c, tc.err.Code, 2)
			f.send("events", 1, 99)
			f.delivered(t)
			if n := f.seen.class(tc.class); n < 1 || len(f.seen.rejected) != 0 {
				t.Errorf("%d answers of class %s, want some; rejected %v, want none", n, tc.class, f.seen.rejected)
			}
			exactly(t, c.ListenAddrs(), "events", 100)
		})
	}
}

// A time stamp that comes from a column is the record's fault: it is found by
// halving and follows the policy. One that is the commit time is the clock's: see
// TestAnswers.
func TestAnswerAboutATimestampOfTheRow(t *testing.T) {
	t.Parallel()
	c := fakeCluster(t)
	f := start(t, c.ListenAddrs(), func(o *producer.Options) { o.TimestampFromColumn, o.OnReject = true, record.RejectSkip })
	answerWith(c, kerr.InvalidTimestamp.Code, 1)
	f.send("events", 1, 1)
	f.delivered(t)
	f.send("events", 1, 1)
	f.delivered(t)
	if f.seen.rejected[producer.ReasonInvalidRecord] != 1 {
		t.Errorf("rejected %v, want the one record", f.seen.rejected)
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

// What may not be written stays denied in the health while metadata, which may be
// read, comes and goes.
func TestDeniedStaysWithMetadata(t *testing.T) {
	t.Parallel()
	c := fakeCluster(t)
	f := start(t, c.ListenAddrs(), nil)
	answerWith(c, kerr.TopicAuthorizationFailed.Code, -1)
	f.send("events", 1, 1)
	f.settle(t, "the denial", func() bool { return len(f.Health().Denied) == 1 })
	var rounds atomic.Int32
	c.ControlKey(int16(kmsg.Metadata), func(kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		rounds.Add(1)
		return nil, nil, false
	})
	f.send("missing", 1, 1) // makes it ask again and again
	f.settle(t, "metadata", func() bool {
		if len(f.Health().Denied) != 1 {
			t.Fatalf("after %d looks at the metadata nothing is denied", rounds.Load())
		}
		return rounds.Load() > 3
	})
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
