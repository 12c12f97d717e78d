package relay

import (
	"context"
	"net"
	"time"

	"github.com/IBM/sarama"
	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/producer"
)

// InMemory makes the relay reach both sides over connections of the test's own, and
// counts the requirements of its start as met: a scripted walsender takes no queries.
func (r *Relay) InMemory(postgres, kafka func(ctx context.Context, network, addr string) (net.Conn, error)) {
	r.loop.started = true
	r.opts.Describe = nil
	r.opts.Target.Dial = postgres
	r.DialKafka(kafka)
}

// DialKafka makes the producer's connections for records.
func (r *Relay) DialKafka(dial func(ctx context.Context, network, addr string) (net.Conn, error)) {
	usual := r.opts.Producer
	r.opts.Producer = func(observer producer.Observer, log *zap.Logger) (producer.Options, error) {
		opts, err := usual(observer, log)
		settings := opts.Config
		opts.Config = func() (*sarama.Config, error) {
			c, err := settings()
			if err == nil {
				c.Net.Proxy.Enable, c.Net.Proxy.Dialer = true, dialer(dial)
			}
			return c, err
		}
		return opts, err
	}
}

// SetTransactionTimeout sets after which time, or two thirds of it, the relay gives up a Kafka transaction.
func (r *Relay) SetTransactionTimeout(d time.Duration) { r.resumer.Transactions().Timeout = d }

// dialer is for sarama's Net.Proxy.Dialer.
type dialer func(ctx context.Context, network, addr string) (net.Conn, error)

func (d dialer) Dial(network, addr string) (net.Conn, error) {
	return d(context.Background(), network, addr)
}

// SetGuardIdle changes how often the guard looks while nothing comes. It is called
// before Run.
func (r *Relay) SetGuardIdle(d time.Duration) { r.timing.guardIdle = d }

// SetPatience shortens what an event may wait. It is called before Run.
func (r *Relay) SetPatience(d time.Duration) { r.timing.patience = d }

// SetStuckFor shortens for how long streams must end at the same place. It is called
// before Run.
func (r *Relay) SetStuckFor(d time.Duration) { r.timing.stuckFor = d }

// SetStartLook shortens what a look at the database at the start may take. It is
// called before Run.
func (r *Relay) SetStartLook(d time.Duration) { r.timing.inspectTimeout = d }

// Looked reports whether nothing that was published late is still to be looked at.
func (r *Relay) Looked() bool {
	w := r.loop.retention
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.oldest == nil
}
