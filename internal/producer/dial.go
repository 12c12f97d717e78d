package producer

import (
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"
	"go.uber.org/zap"
)

// dial opens a connection. sarama counts a broker as connected that never
// answered: one that took as long as the read timeout did not.
func dial(addr string, settings func() (*sarama.Config, error)) (*sarama.Broker, error) {
	conf, err := settings()
	if err != nil {
		return nil, err
	}
	begun := time.Now()
	b := sarama.NewBroker(addr)
	if err := b.Open(conf); err != nil {
		return nil, err
	}
	ok, err := b.Connected()
	if err == nil && ok && time.Since(begun) < conf.Net.ReadTimeout {
		return b, nil
	}
	go func() { _ = b.Close() }()
	if err == nil {
		err = errors.New("connected, but it does not answer")
	}
	return nil, err
}

func (p *Producer) linkFailed(l *link, addr string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.health.mayLog(fmt.Sprint("link ", l.id)) {
		p.log.Warn("a Kafka broker is not reachable, its partitions wait", zap.Int32("broker", l.id), zap.Error(p.opts.Explain(addr, err)))
	}
	for _, pt := range p.queues {
		if pt.link == l && pt.head != nil && !pt.busy {
			p.refuse(pt, fmt.Sprintf("its leader, broker %d, is not reachable: %v", l.id, p.opts.Explain(addr, err)), false)
		}
	}
	p.wantMetadata()
}
