package topicdump

import (
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"
)

// begin sets what to read first.
func begin(leader *sarama.Broker, sources []*source) error {
	return listOffsets(leader, sources, sarama.OffsetOldest, func(s *source, offset int64) { s.next = offset })
}

// end sets where to stop.
func end(leader *sarama.Broker, sources []*source) error {
	return listOffsets(leader, sources, sarama.OffsetNewest, func(s *source, offset int64) { s.end = offset })
}

func listOffsets(leader *sarama.Broker, sources []*source, at int64, take func(*source, int64)) error {
	request := &sarama.OffsetRequest{Version: 1} // the oldest that Kafka 4 answers
	for _, s := range sources {
		request.AddBlock(s.topic, s.partition, at, 1)
	}
	response, err := leader.GetAvailableOffsets(request)
	if err != nil {
		return fmt.Errorf("offsets at broker %d: %w", leader.ID(), err)
	}
	for _, s := range sources {
		block := response.GetBlock(s.topic, s.partition)
		if block == nil {
			return fmt.Errorf("offsets of %s/%d: broker %d says nothing of it", s.topic, s.partition, leader.ID())
		}
		if block.Err != sarama.ErrNoError {
			return fmt.Errorf("offsets of %s/%d: %w", s.topic, s.partition, block.Err)
		}
		take(s, block.Offset)
	}
	return nil
}

// Bounds of one response. A batch that is larger comes nevertheless when it is the first.
const (
	bytesOfPartition = 4 << 20
	bytesOfResponse  = 32 << 20
	waitMillis       = 100 // when there is nothing, which a new leader may say for a moment
)

// fetch reads on in all partitions.
func fetch(leader *sarama.Broker, sources []*source) error {
	request := &sarama.FetchRequest{
		Version: 11, MinBytes: 1, MaxBytes: bytesOfResponse, MaxWaitTime: waitMillis,
		Isolation: sarama.ReadUncommitted, SessionEpoch: -1, // no fetch session
	}
	for _, s := range sources {
		request.AddBlock(s.topic, s.partition, s.next, bytesOfPartition, -1)
	}
	response, err := leader.Fetch(request)
	if err != nil {
		return fmt.Errorf("fetch from broker %d: %w", leader.ID(), err)
	}
	for _, s := range sources {
		if block := response.GetBlock(s.topic, s.partition); block != nil {
			if err := s.takeBlock(block); err != nil {
				return fmt.Errorf("fetch %s/%d at offset %d: %w", s.topic, s.partition, s.next, err)
			}
		}
	}
	return nil
}

func (s *source) takeBlock(block *sarama.FetchResponseBlock) error {
	if block.Err != sarama.ErrNoError {
		return block.Err
	}
	for _, set := range block.RecordsSet {
		if set.RecordBatch == nil {
			return errors.New("records in a format before Kafka 0.11")
		}
		s.takeBatch(set.RecordBatch)
	}
	return nil
}

// takeBatch hands the records of a batch over. It may begin before the offset that was asked for, and end behind the end.
func (s *source) takeBatch(batch *sarama.RecordBatch) {
	if batch.PartialTrailingRecord {
		return
	}
	if batch.Control {
		s.decide(batch)
	}
	for _, r := range batch.Records {
		offset := batch.FirstOffset + r.OffsetDelta
		if batch.Control || offset < s.next || offset >= s.end {
			continue
		}
		if s.committed && batch.IsTransactional {
			s.open[batch.ProducerID] = append(s.open[batch.ProducerID], s.taken)
		}
		s.taken++
		s.take(&sarama.ConsumerMessage{
			Topic: s.topic, Partition: s.partition, Offset: offset, Timestamp: timestamp(batch, r),
			Key: r.Key, Value: r.Value, Headers: r.Headers,
		})
	}
	s.next = max(s.next, batch.LastOffset()+1)
}

// decide takes the marker that ends a producer's transaction: its key is a version and a type, of which 0 aborts and 1
// commits.
func (s *source) decide(batch *sarama.RecordBatch) {
	if len(batch.Records) == 0 || len(batch.Records[0].Key) < 4 || s.open == nil {
		return
	}
	if aborts := batch.Records[0].Key[3] == 0; aborts {
		for _, n := range s.open[batch.ProducerID] {
			s.hidden[n] = true
		}
	}
	delete(s.open, batch.ProducerID)
}

func timestamp(batch *sarama.RecordBatch, r *sarama.Record) time.Time {
	if batch.LogAppendTime {
		return batch.MaxTimestamp
	}
	return batch.FirstTimestamp.Add(r.TimestampDelta)
}
