package producer

import (
	"fmt"

	"github.com/IBM/sarama"
	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/kafka"
)

// dial opens a connection with fresh settings.
func dial(addr string, settings func() (*sarama.Config, error)) (*sarama.Broker, error) {
	conf, err := settings()
	if err != nil {
		return nil, err
	}
	return kafka.Dial(addr, conf)
}

func (p *Producer) linkFailed(l *link, addr string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.health.lines.Allow(fmt.Sprint("link ", l.id)) {
		p.log.Warn("a Kafka broker is not reachable, its partitions wait", zap.Int32("broker", l.id), zap.Error(p.opts.Explain(addr, err)))
	}
	for _, pt := range p.queues {
		if pt.link == l && pt.head != nil && !pt.busy {
			p.noteRefusal(pt, fmt.Sprintf("its leader, broker %d, is not reachable: %v", l.id, p.opts.Explain(addr, err)), false)
		}
	}
	p.wantMetadata()
}
