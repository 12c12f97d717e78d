package transaction_test

import (
	"context"
	"encoding/binary"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/dev/topicdump"
	"github.com/walpost/walpost/internal/kafka"
	"github.com/walpost/walpost/internal/producer/transaction"
)

// session is a Writer of one transactional id, which reaches a real broker through a proxy.
type session struct {
	*transaction.Writer

	opts              transaction.Options
	kafka             *devstack.Kafka
	proxy             *devstack.Proxy
	events, positions string                 // topics
	late              atomic.Pointer[[]byte] // the request that was taken off its way
	sequences         map[queue]int32
}

// queue is what sequence numbers are counted in.
type queue struct {
	topic string
	id    int64
	epoch int16
}

// newSession has not begun an epoch.
func newSession(t *testing.T, k *devstack.Kafka) *session {
	t.Helper()
	s := &session{kafka: k, proxy: k.Brokers()[0].Proxy(), events: stack.Name(t) + ".events", positions: stack.Name(t) + ".positions"}
	s.sequences = map[queue]int32{}
	for _, topic := range []string{s.events, s.positions} {
		if err := k.CreateTopic(t.Context(), topic, 1, 1, nil); err != nil {
			t.Fatal(err)
		}
	}
	const timeout = 30 * time.Second
	s.opts = transaction.Options{
		Kafka: kafka.Options{Brokers: []string{s.proxy.Addr()}, ClientID: "test", Compression: "none"},
		ID:    stack.Name(t), Timeout: timeout,
	}
	s.Writer = &transaction.Writer{
		Client: transaction.New(s.opts), Timeout: timeout, Log: zaptest.NewLogger(t, zaptest.Level(zap.WarnLevel)),
		Newest: func(context.Context) ([]byte, error) {
			var newest []byte
			for _, value := range s.visible(t, s.positions) {
				newest = []byte(value)
			}
			return newest, nil
		},
	}
	t.Cleanup(s.Client.Close)
	t.Cleanup(s.proxy.Heal)
	return s
}

// begins starts an epoch.
func (s *session) begins(t *testing.T) {
	t.Helper()
	if err := s.Client.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// visible returns the values that a reader of committed records sees.
func (s *session) visible(t *testing.T, topic string) []string {
	t.Helper()
	client, err := s.kafka.Client()
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	values, err := topicdump.ReadCommitted(t.Context(), client, func(m *sarama.ConsumerMessage) string { return string(m.Value) }, topic)
	if err != nil {
		t.Fatal(err)
	}
	return values
}

// sees fails unless a reader of committed records sees these events, and these positions.
func (s *session) sees(t *testing.T, values ...string) {
	t.Helper()
	for _, topic := range []string{s.events, s.positions} {
		if got := s.visible(t, topic); !slices.Equal(got, values) {
			t.Errorf("a reader of %s sees %q, want %q", topic, got, values)
		}
	}
}

// catch takes the next request with an API key off its way.
func (s *session) catch(key int16) {
	s.proxy.Catch(func(request []byte) bool { return keyOf(request) == key && s.late.CompareAndSwap(nil, &request) })
}

// keyOf returns the API key of a request, which follows its length.
func keyOf(request []byte) int16 {
	const at = 4
	return int16(binary.BigEndian.Uint16(request[at:]))
}

// deliver sends what was caught, and returns how Kafka answers.
func (s *session) deliver(t *testing.T) sarama.KError {
	t.Helper()
	caught := s.late.Load()
	if caught == nil {
		t.Fatal("no request was caught")
	}
	s.proxy.Heal()
	request := *caught
	answer, err := s.proxy.Send(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	const length, correlation = 4, 4
	response := kmsg.ResponseForKey(int16(binary.BigEndian.Uint16(request[length:])))
	response.SetVersion(int16(binary.BigEndian.Uint16(request[length+2:])))
	body := answer[correlation:]
	if response.IsFlexible() {
		body = body[1:] // no tags
	}
	if err := response.ReadFrom(body); err != nil {
		t.Fatal(err)
	}
	switch r := response.(type) {
	case *kmsg.InitProducerIDResponse:
		return sarama.KError(r.ErrorCode)
	case *kmsg.EndTxnResponse:
		return sarama.KError(r.ErrorCode)
	case *kmsg.AddPartitionsToTxnResponse:
		return sarama.KError(r.Topics[0].Partitions[0].ErrorCode)
	case *kmsg.ProduceResponse:
		return sarama.KError(r.Topics[0].Partitions[0].ErrorCode)
	default:
		t.Fatalf("an answer of type %T", response)
		return 0
	}
}

// write writes a position as another producer.
func (s *session) write(t *testing.T, value string) error {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(s.kafka.Bootstrap(devstack.Plaintext)...))
	if err != nil {
		return err
	}
	defer client.Close()
	return client.ProduceSync(t.Context(), &kgo.Record{Topic: s.positions, Value: []byte(value)}).FirstErr()
}

// produce writes one record, and reports whether each attempt was answered.
func (s *session) produce(t *testing.T, topic, value string, again bool) (answered bool, err error) {
	t.Helper()
	id, epoch := s.Client.Epoch()
	q := queue{topic, id, epoch}
	at := time.Now()
	req := &sarama.ProduceRequest{
		RequiredAcks: sarama.WaitForAll, Timeout: 10_000, Version: kafka.ProduceVersion, TransactionalID: s.Client.ID(),
	}
	req.AddBatch(topic, 0, &sarama.RecordBatch{
		Version: 2, Records: []*sarama.Record{{Value: []byte(value)}}, FirstTimestamp: at, MaxTimestamp: at,
		ProducerID: id, ProducerEpoch: epoch, FirstSequence: s.sequences[q], IsTransactional: true,
	})
	answered = true
	for {
		conf, err := s.opts.Kafka.Fresh()
		if err != nil {
			t.Fatal(err)
		}
		conn, err := kafka.Dial(s.proxy.Addr(), conf)
		if err != nil {
			t.Fatal(err)
		}
		res, err := conn.Produce(req)
		kafka.HangUp(conn)
		if err != nil && again {
			answered = false
			continue
		} else if err != nil {
			return false, transaction.ErrHalting // any StateError
		}
		code := res.GetBlock(topic, 0).Err
		if code != sarama.ErrNoError && code != sarama.ErrDuplicateSequenceNumber {
			return answered, transaction.State(code)
		}
		s.sequences[q]++
		return answered, nil
	}
}

// script is a transaction that goes as it is told.
type script struct {
	t     *testing.T
	s     *session
	value string
	steps []step // what is left of them

	doubt   bool
	refusal sarama.KError // of the late request
}

// step is a part of a transaction, and reports whether it is done: false gives the
// partitions to add.
type step func(w *script) (done bool, err error)

func add(*script) (bool, error)        { return false, nil }
func event(w *script) (bool, error)    { return true, w.produce(w.s.events) }
func position(w *script) (bool, error) { return true, w.produce(w.s.positions) }

// lost is an event whose answer is lost, and that is not sent again.
func lost(w *script) (bool, error) {
	_, err := w.s.produce(w.t, w.s.events, w.value, false)
	return true, err
}

// late delivers the request that was caught.
func late(w *script) (bool, error) {
	w.refusal = w.s.deliver(w.t)
	return true, nil
}

func (w *script) produce(topic string) error {
	answered, err := w.s.produce(w.t, topic, w.value, true)
	w.doubt = w.doubt || !answered
	return err
}

func (w *script) Look() (partitions []transaction.Partition, finished, doubt bool, err error) {
	for len(w.steps) > 0 {
		done, err := w.steps[0](w)
		if err != nil || !done {
			return []transaction.Partition{{Topic: w.s.events}, {Topic: w.s.positions}}, false, w.doubt, err
		}
		w.steps = w.steps[1:]
	}
	return nil, true, w.doubt, nil
}

func (w *script) Added([]transaction.Partition, int64, int16) { w.steps = w.steps[1:] }

func (w *script) Refused(partitions map[transaction.Partition]sarama.KError) {
	w.t.Fatalf("Kafka refuses %v", partitions)
}

func (w *script) Settle(context.Context) error { return nil }

// PutBack makes the next attempt an ordinary one.
func (w *script) PutBack()                 { w.steps = []step{add, event, position} }
func (w *script) Position() []byte         { return []byte(w.value) }
func (w *script) Changed() <-chan struct{} { return nil }

// begin returns a transaction that is not begun.
func (s *session) begin(t *testing.T, value string, steps ...step) *script {
	return &script{t: t, s: s, value: value, steps: steps}
}

// commit writes a transaction until it is committed.
func (w *script) commit() {
	w.t.Helper()
	devstacktest.Await(w.t, "the transaction "+w.value+" to be committed", func() bool {
		committed, err := w.s.Write(w.t.Context(), w)
		if err != nil {
			w.t.Fatal(err)
		}
		return committed
	})
}
