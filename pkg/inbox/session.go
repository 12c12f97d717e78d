package inbox

import (
	"fmt"

	"github.com/IBM/sarama"
)

// session is what sarama calls while this member has partitions.
type session struct{ consumer *Consumer }

var _ sarama.ConsumerGroupHandler = (*session)(nil)

// Setup compares the topics with those of the committed offsets.
func (s *session) Setup(session sarama.ConsumerGroupSession) error {
	c := s.consumer
	claimed := 0
	for _, partitions := range session.Claims() {
		claimed += len(partitions)
	}
	if limit, wanted := c.unit.maxConns(), claimed*c.config.Parallel; limit > 0 && limit < wanted {
		c.observe(Observation{Kind: KindWarned, Err: fmt.Errorf("inbox: the pool has %d connections, and %d records are processed "+
			"at a time (%d partitions, Parallel %d): some wait for a connection", limit, wanted, claimed, c.config.Parallel)})
	}
	return c.topics.Compare(session)
}

// Cleanup has nothing to do: sarama commits what is marked.
func (s *session) Cleanup(sarama.ConsumerGroupSession) error { return nil }

// ConsumeClaim processes a partition. It returns when the session ends; to return
// earlier would end the session for every other partition.
func (s *session) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	c := s.consumer
	p := newPartition(c, session, claim)
	c.mu.Lock()
	c.partitions[p] = struct{}{}
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.partitions, p)
	}()
	at := func(offset int64) *Event {
		return &Event{Topic: claim.Topic(), Partition: claim.Partition(), Offset: offset}
	}
	c.observe(Observation{Kind: KindAssigned, Event: at(claim.InitialOffset())})
	p.run(session.Context())
	next, _ := p.done.State()
	c.observe(Observation{Kind: KindRevoked, Event: at(next)})
	return nil
}
