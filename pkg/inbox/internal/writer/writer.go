// Package writer writes records that pkg/inbox moves between topics: into dead letter
// topics, into retry topics, and back.
package writer

import (
	"errors"
	"fmt"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/pkg/inbox/internal/kafka/read"
)

// Compression lets a record that came compressed pass into a topic with the same limit of
// size. Every client can read gzip.
const Compression = sarama.CompressionGZIP

// Config returns s for a Writer: every record is acknowledged by all in-sync replicas,
// and none overtakes another. Each goes in a batch of its own, because Kafka refuses a
// batch as a whole (MESSAGE_TOO_LARGE, INVALID_RECORD): its answer would be taken for
// that of a record that only came with another.
func Config(s *sarama.Config) *sarama.Config {
	p := *s
	p.Producer.RequiredAcks = sarama.WaitForAll
	p.Producer.Return.Successes, p.Producer.Return.Errors = true, true
	p.Producer.Partitioner = sarama.NewManualPartitioner
	p.Producer.MaxMessageBytes = int(sarama.MaxRequestSize) // the broker judges the size
	p.Producer.Flush.MaxMessages = 1
	p.Net.MaxOpenRequests = 1
	return &p
}

// Writer writes records one by one.
type Writer struct {
	client sarama.Client
	sync   sarama.SyncProducer
}

// New returns a Writer that owns the client, which has the settings of Config.
func New(client sarama.Client) (*Writer, error) {
	p, err := sarama.NewSyncProducerFromClient(client)
	if err != nil {
		_ = client.Close()
		return nil, fmt.Errorf("producer for dead letters: %w", err)
	}
	return &Writer{client, p}, nil
}

// Close closes the client too.
func (w *Writer) Close() {
	_ = w.sync.Close() // nothing is under way
	_ = w.client.Close()
}

// Partitions returns how many partitions a topic has.
func (w *Writer) Partitions(topic string) (int32, error) {
	partitions, err := w.client.Partitions(topic)
	if err == nil && len(partitions) == 0 {
		err = sarama.ErrUnknownTopicOrPartition
	}
	return int32(len(partitions)), read.WithoutTopic(err, topic)
}

// Send returns when all in-sync replicas have the record. The record goes to the
// partition of the same number. If the topic has fewer partitions, records of one
// partition stay together, in order.
func (w *Writer) Send(m *sarama.ProducerMessage) error {
	partitions, err := w.Partitions(m.Topic)
	if err != nil {
		return err
	}
	again := *m // sarama keeps its state in the message
	again.Partition = max(m.Partition, 0) % partitions
	if _, _, err = w.sync.SendMessage(&again); err == nil {
		return nil
	}
	if fresh := w.client.RefreshMetadata(m.Topic); fresh != nil && read.IsPermanent(fresh) {
		return read.WithoutTopic(fresh, m.Topic) // sarama's own error may be "circuit breaker is open"
	}
	return err
}

// Bytes returns b as sarama's key or value. It keeps nil and empty apart, which sarama's
// ByteEncoder does not.
func Bytes(b []byte) sarama.Encoder {
	if b == nil {
		return nil
	}
	return sarama.ByteEncoder(b)
}

// IsTooLarge reports whether a topic, or Kafka's client, does not take a record of this
// size.
func IsTooLarge(err error) bool {
	var encoding sarama.PacketEncodingError
	return errors.Is(err, sarama.ErrMessageSizeTooLarge) || errors.Is(err, sarama.ErrMessageSetSizeTooLarge) || errors.As(err, &encoding)
}

// IsRefused reports whether a topic never takes a record, whatever its size is.
func IsRefused(err error) bool {
	return errors.Is(err, sarama.ErrInvalidMessage) || errors.Is(err, sarama.ErrPolicyViolation) || errors.Is(err, sarama.ErrInvalidRecord)
}
