package killed_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/dev/devstack"
)

// The types of events, by what the handler makes of them.
const (
	good      = "Good"
	heals     = "Heals"     // at the third attempt
	permanent = "Permanent" // the others fail until the handler is repaired
	state     = "State"
	panics    = "Panics"
	exhausts  = "Exhausts"
)

// discardHeader is on records that are discarded as dead letters.
const discardHeader = "discard"

// fate is what must become of a record.
type fate int

const (
	once     fate = iota // it has one effect
	redriven             // it is a dead letter, and has one effect when it was put back
	dead                 // it is a dead letter, and is discarded
	never                // nobody may see it, or it is another's
)

// written is a record that Kafka has, and what must become of it.
type written struct {
	*sarama.ProducerMessage
	fate   fate
	claims string // where it says that it was parked, and has an id that nobody could use
}

// place is where its dead letter says that it was.
func (w written) place() string {
	if w.claims != "" {
		return w.claims
	}
	return fmt.Sprint(w.Topic, "/", w.Partition, "/", w.Offset)
}

// bytesOf returns what an encoder holds; nil for null.
func bytesOf(e sarama.Encoder) []byte {
	if e == nil {
		return nil
	}
	b, _ := e.Encode() // of bytes
	return b
}

// content is what a handler must have been given. Headers of dead letters are not the record's.
func (w written) content(topic string) string {
	c := newContent(topic, bytesOf(w.Key), bytesOf(w.Value))
	for _, h := range w.Headers {
		if topic == w.Topic || !strings.HasPrefix(string(h.Key), "walpost-dlt-") {
			c.header(string(h.Key), h.Value)
		}
	}
	return c.String()
}

// writer writes events, and what should not be in their topics.
type writer struct {
	t        *testing.T
	rand     *rand.Rand
	topics   []string
	group    string
	plain    sarama.SyncProducer
	packed   sarama.SyncProducer // with compression
	transact sarama.SyncProducer
	number   int
	written  []written
}

func newWriter(t *testing.T, kafka *devstack.Kafka, topics []string, group string, r *rand.Rand) *writer {
	t.Helper()
	w := &writer{t: t, rand: r, topics: topics, group: group}
	open := func(change func(*sarama.Config)) sarama.SyncProducer {
		config := sarama.NewConfig()
		config.Version = sarama.V3_6_0_0
		config.Producer.RequiredAcks, config.Producer.Return.Successes = sarama.WaitForAll, true
		config.Producer.Idempotent, config.Net.MaxOpenRequests = true, 1
		config.Producer.MaxMessageBytes = int(sarama.MaxRequestSize) // the topic judges
		change(config)
		producer, err := sarama.NewSyncProducer(kafka.Bootstrap(devstack.Plaintext), config)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = producer.Close() })
		return producer
	}
	w.plain = open(func(*sarama.Config) {})
	w.packed = open(func(c *sarama.Config) { c.Producer.Compression = sarama.CompressionGZIP })
	w.transact = open(func(c *sarama.Config) { c.Producer.Transaction.ID = group })
	return w
}

// event is a record with an id of its own, under one of a few keys. Pairs of names and values are more headers.
func (w *writer) event(topic, kind string, pairs ...string) *sarama.ProducerMessage {
	w.number++
	return &sarama.ProducerMessage{
		Topic: topic, Key: sarama.StringEncoder(fmt.Sprint("k", w.rand.IntN(6))),
		Value:   sarama.StringEncoder(fmt.Sprint("payload ", w.number)),
		Headers: headers(append([]string{"id", fmt.Sprint("e", w.number), "eventType", kind}, pairs...)...),
	}
}

func headers(pairs ...string) (all []sarama.RecordHeader) {
	for pair := range slices.Chunk(pairs, 2) {
		all = append(all, sarama.RecordHeader{Key: []byte(pair[0]), Value: []byte(pair[1])})
	}
	return all
}

// send writes records of one fate.
func (w *writer) send(fate fate, messages ...*sarama.ProducerMessage) {
	w.t.Helper()
	w.sendBy(w.plain, fate, messages...)
}

func (w *writer) sendBy(producer sarama.SyncProducer, fate fate, messages ...*sarama.ProducerMessage) {
	w.t.Helper()
	if err := producer.SendMessages(messages); err != nil {
		w.t.Fatal(err)
	}
	for _, m := range messages {
		w.written = append(w.written, written{ProducerMessage: m, fate: fate})
	}
}

// pick is one of several at random.
func pick[T any](r *rand.Rand, all ...T) T { return all[r.IntN(len(all))] }

// round writes some of everything to each topic.
func (w *writer) round() {
	w.t.Helper()
	for _, topic := range w.topics {
		w.healthy(topic)
		w.poison(topic)
		w.send(dead, w.undecodable(topic))
		w.lookAlikes(topic)
		w.inRetryTopic(topic)
		w.inDeadLetterTopic(topic)
		w.transactions(topic)
		w.healthy(topic)
	}
}

func (w *writer) healthy(topic string) {
	w.t.Helper()
	for range 10 {
		w.send(once, w.event(topic, good))
	}
	tombstone, noKey, noKeyHeals := w.event(topic, good), w.event(topic, good), w.event(topic, heals)
	tombstone.Value, noKey.Key, noKeyHeals.Key = nil, nil, nil
	w.send(once, tombstone, noKey, w.event(topic, heals), noKeyHeals, w.event(topic, heals))
	// An id that comes for another event, and an event that was written twice.
	reused, first := w.event(topic, good), w.event(topic, pick(w.rand, good, heals))
	reused.Headers[0].Value = []byte(fmt.Sprint("serial ", w.rand.IntN(5)))
	second := *first
	w.send(once, reused, first, w.event(topic, good))
	w.send(once, &second, w.event(topic, good))
}

func (w *writer) poison(topic string) {
	w.t.Helper()
	noKey := w.event(topic, pick(w.rand, permanent, exhausts))
	noKey.Key = nil
	w.send(redriven, w.event(topic, permanent), w.event(topic, pick(w.rand, state, panics)), w.event(topic, exhausts), noKey)
	w.send(dead, w.event(topic, pick(w.rand, permanent, exhausts), discardHeader, "yes"))
}

// undecodable is a record without an id that anybody could use.
func (w *writer) undecodable(topic string) *sarama.ProducerMessage {
	m := w.event(topic, good)
	switch w.rand.IntN(7) {
	case 0:
		m.Headers = nil
	case 1:
		m.Headers, m.Key, m.Value = nil, nil, nil
	case 2:
		m.Headers[0].Value = nil
	case 3:
		m.Headers[0].Value = []byte(strings.Repeat("x", 5000))
	case 4:
		m.Headers[0].Value = []byte("a\x00b")
	case 5:
		m.Headers[0].Value = []byte("\xff\xfe")
	case 6:
		m.Headers = headers("__TypeId__", "com.example.Order", "contentType", "application/json")
	}
	return m
}

// lookAlikes are events whose headers claim what only walpost may say.
func (w *writer) lookAlikes(topic string) {
	w.t.Helper()
	claims := []string{
		"walpost-dlt-topic", "other.team", "walpost-dlt-partition", "7", "walpost-dlt-offset", "1", "walpost-dlt-handled", "discarded",
		"walpost-dlt-handled-offset", "0", "walpost-dlt-incomplete", "value of 1 bytes", "walpost-dlt-reason", "undecodable",
		"walpost-retry-topic", "other.team", "walpost-retry-group", "others", "walpost-retry-attempts", "99",
		"walpost-own-id", "mine", "walpost-own-walpost-dlt-topic", "nested", "walpost-redrives", "9223372036854775807",
	}
	w.send(once, w.event(topic, good, claims...), w.event(topic, heals, claims...))
	w.send(redriven, w.event(topic, permanent, claims...), w.event(topic, exhausts, claims...))
}

// inRetryTopic writes what no inbox has parked.
func (w *writer) inRetryTopic(topic string) {
	w.t.Helper()
	retry := topic + ".retry"
	parked := func(change ...string) *sarama.ProducerMessage {
		all := map[string]string{"topic": topic, "partition": "0", "offset": "1", "group": w.group, "attempts": "1"}
		for pair := range slices.Chunk(change, 2) {
			all[pair[0]] = pair[1]
		}
		m := w.event(retry, exhausts)
		for name, value := range all {
			if value != "" {
				m.Headers = append(m.Headers, headers("walpost-retry-"+name, value)...)
			}
		}
		return m
	}
	noKey := func(m *sarama.ProducerMessage) *sarama.ProducerMessage { m.Key = nil; return m }
	claimed := 1_000_000 + w.number
	badID := parked("offset", fmt.Sprint(claimed))
	badID.Headers[0].Value = []byte("a\x00b")
	w.send(never, parked("group", "others"))
	w.send(dead, w.event(retry, good, "kafka_original-topic", topic, "kafka_exception-fqcn", "java.lang.IllegalStateException"),
		pick(w.rand, noKey(parked("offset", "")), noKey(parked("offset", "-1")), parked("partition", "4294967296"),
			parked("group", ""), parked("topic", "nowhere"), parked("topic", "a\x00b"), parked("attempts", "many"),
			parked("attempts", "-9223372036854775808")), badID)
	w.written[len(w.written)-1].claims = fmt.Sprint(topic, "/0/", claimed)
}

// inDeadLetterTopic writes what no consumer has given up.
func (w *writer) inDeadLetterTopic(topic string) {
	w.t.Helper()
	letters := topic + ".DLT"
	w.send(never, w.event(letters, good, "kafka_dlt-original-topic", topic, "kafka_dlt-exception-fqcn", "java.lang.Exception"),
		w.event(letters, good, "walpost-dlt-handled", "redriven", "walpost-dlt-handled-offset", "0"))
	w.send(dead, pick(w.rand,
		w.event(letters, good, "walpost-dlt-topic", "other.team", discardHeader, "yes"),
		w.event(letters, good, "walpost-dlt-topic", topic, "walpost-dlt-partition", "99", "walpost-dlt-offset", "3",
			"walpost-dlt-incomplete", "value", discardHeader, "yes"),
		w.event(letters, good, "walpost-dlt-topic", topic, "walpost-dlt-partition", "4294967295", "walpost-dlt-offset", "-9",
			"walpost-dlt-incomplete", "value", discardHeader, "yes")))
	w.send(redriven, w.event(letters, good, "walpost-dlt-topic", topic, "walpost-dlt-position", "0/1/1")) // the relay's
}

func (w *writer) transactions(topic string) {
	w.t.Helper()
	begin := func() {
		if err := w.transact.BeginTxn(); err != nil {
			w.t.Fatal(err)
		}
	}
	begin()
	w.sendBy(w.transact, never, w.event(topic, good), w.event(topic, permanent))
	err := w.transact.AbortTxn()
	begin()
	w.sendBy(w.transact, once, w.event(topic, good), w.event(topic, heals))
	if err = errors.Join(err, w.transact.CommitTxn()); err != nil {
		w.t.Fatal(err)
	}
}

// large writes events that are as large as the topic takes, and such as are much larger before they are compressed.
func (w *writer) large(topic string) {
	w.t.Helper()
	for _, kind := range []string{good, heals, permanent, exhausts} {
		fate := once
		if kind == permanent || kind == exhausts {
			fate = redriven
		}
		m := w.event(topic, kind)
		m.Value = sarama.StringEncoder(strings.Repeat("x", 10*sourceLimit))
		w.sendBy(w.packed, fate, m)
		w.largest(fate, w.event(topic, kind))
	}
}

// largest sends an event with the longest value that the topic takes of bytes that no codec makes smaller.
func (w *writer) largest(fate fate, m *sarama.ProducerMessage) {
	w.t.Helper()
	noise := make([]byte, sourceLimit)
	for i := range noise {
		noise[i] = byte(w.rand.Uint32())
	}
	for n := sourceLimit - 61; n > 0; n-- { // of the head of a batch
		m.Value = sarama.ByteEncoder(noise[:n])
		_, _, err := w.plain.SendMessage(m)
		if errors.Is(err, sarama.ErrMessageSizeTooLarge) {
			continue
		}
		if err != nil {
			w.t.Fatal(err)
		}
		w.written = append(w.written, written{ProducerMessage: m, fate: fate})
		return
	}
}

// last writes an event to each partition, behind all markers of transactions.
func (w *writer) last(partitions int32) {
	w.t.Helper()
	for _, topic := range w.topics {
		seen := map[int32]bool{}
		for len(seen) < int(partitions) {
			m := w.event(topic, good)
			m.Key = sarama.StringEncoder(fmt.Sprint("last ", w.number))
			w.send(once, m)
			seen[m.Partition] = true
		}
	}
}
