package inbox

import "github.com/IBM/sarama"

// session is what sarama calls while this member has partitions.
type session struct{ consumer *Consumer }

var _ sarama.ConsumerGroupHandler = (*session)(nil)

// Setup has nothing to do.
func (s *session) Setup(sarama.ConsumerGroupSession) error { return nil }

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
	c.observe(Observation{Kind: Assigned, Event: &Event{Topic: claim.Topic(), Partition: claim.Partition(), Offset: claim.InitialOffset()}})
	p.run(session.Context())
	next, _ := p.done.state()
	c.observe(Observation{Kind: Revoked, Event: &Event{Topic: claim.Topic(), Partition: claim.Partition(), Offset: next}})
	return nil
}
