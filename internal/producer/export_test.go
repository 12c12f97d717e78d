package producer

import (
	"github.com/IBM/sarama"
	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/producer/answer"
	"github.com/walpost/walpost/internal/producer/batch"
)

// SkewSequences moves the sequences of all partitions away from the broker's, as if
// Kafka had lost the state of this producer.
func (p *Producer) SkewSequences(by int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, pt := range p.queues {
		if pt.pid >= 0 {
			pt.seq = batch.NextSequence(pt.seq, by)
		}
	}
}

// Queues is how many queues there are.
func (p *Producer) Queues() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.queues) - len(p.vacant)
}

// NextSequence is batch.NextSequence, for the wrap at 2^31.
func NextSequence(seq int32, n int) int32 { return batch.NextSequence(seq, n) }

// Offline is a producer without a goroutine and without Kafka: Round is its broker.
type Offline struct {
	*Producer
	link *link
}

// NewOffline knows one topic, whose partitions one broker leads.
func NewOffline(name string, partitions int32, memory int64) *Offline {
	p := &Producer{
		opts: Options{Observer: NopObserver{}, Memory: memory, Codec: sarama.CompressionNone},
		log:  zap.NewNop(), topics: map[string]*topic{}, links: map[int32]*link{}, want: make(chan struct{}, 1),
	}
	p.memory.SetLimit(memory)
	p.watermark.Store(1)
	l := &link{p: p, wake: make(chan struct{}, 1)}
	t := p.topic(name)
	t.grow(partitions)
	for _, pt := range t.partitions {
		p.lead(pt, l)
	}
	return &Offline{Producer: p, link: l}
}

// Round collects what one request takes, makes what sarama encodes from, and
// acknowledges it: all a link does but for sarama's part.
func (o *Offline) Round() (records int) {
	sent := o.link.collect()
	for _, pt := range sent {
		records += len(pt.head.Encode(&o.link.arena, o.opts.Codec, pt.pid, pt.epoch, pt.seq).Records)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, pt := range sent {
		o.answer(pt, answer.Answer{Class: answer.Accepted})
	}
	o.advance()
	return records
}
