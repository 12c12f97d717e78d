package producer

// SkewSequences moves the sequences of all partitions away from the broker's, as if
// Kafka had lost the state of this producer.
func (p *Producer) SkewSequences(by int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, pt := range p.queues {
		if pt.pid >= 0 {
			pt.seq = nextSequence(pt.seq, by)
		}
	}
}

// NextSequence is nextSequence, for the wrap at 2^31.
func NextSequence(seq int32, n int) int32 { return nextSequence(seq, n) }
