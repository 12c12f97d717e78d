package devstack

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"time"
)

// Listener is a way into a broker.
type Listener string

// The listeners of a broker. Plaintext is always there: brokers, controllers and tools use it.
const (
	Plaintext     Listener = "PLAINTEXT"
	Proxied       Listener = "PROXIED" // plaintext, and every broker is advertised at its Proxy
	TLS           Listener = "TLS"
	SASLPlaintext Listener = "SASL_PLAIN"
	SASLTLS       Listener = "SASL_TLS"
)

// controller is the listener of the KRaft quorum.
const controller Listener = "CONTROLLER"

// protocol is Kafka's security protocol of a listener.
func (l Listener) protocol() string {
	switch l {
	case TLS:
		return "SSL"
	case SASLPlaintext:
		return "SASL_PLAINTEXT"
	case SASLTLS:
		return "SASL_SSL"
	default:
		return "PLAINTEXT"
	}
}

// KafkaOptions describe a Kafka cluster to start. The zero value is one broker on plain TCP.
type KafkaOptions struct {
	// Brokers is how many brokers, each a controller too; 0 is 1.
	Brokers int
	// Settings go into every broker's properties, over the defaults.
	Settings map[string]string
	// HeapMiB is the JVM's largest heap; 0 is 512.
	HeapMiB int
	// QuickStart trades speed under load for an earlier start: C1 compiler, serial collector, small indexes and an archive
	// of classes. For tests, not for benchmarks.
	QuickStart bool
	// TLS, when set, adds the listener TLS.
	TLS *ServerTLS
	// Users, by name and password, adds the listener SASLPlaintext, and SASLTLS where TLS is set, with PLAIN,
	// SCRAM-SHA-256, SCRAM-SHA-512 and OAUTHBEARER (unsigned tokens).
	Users map[string]string
	// Authorize turns ACLs on: what no ACL allows is denied, but to SuperUsers and on the plaintext listeners.
	Authorize bool
	// SuperUsers are principals such as User:admin.
	SuperUsers []string
	// Proxied adds the listener Proxied with a Proxy in front of each broker.
	Proxied bool
	// Progress gets a line for each slow step, such as a fetch; nil for none.
	Progress io.Writer
}

// Kafka is a cluster of brokers. Ports and data of a broker stay the same over stops and starts.
type Kafka struct {
	options KafkaOptions
	java    string
	jars    string   // folder
	id      string   // of the cluster
	archive []string // Java's flags to take classes from an archive
	atExit  []string // Java's flags to write that archive
	brokers []*Broker
}

// StartKafka creates a new cluster and returns when every broker answers and knows all
// others. Close ends it.
func StartKafka(ctx context.Context, options KafkaOptions) (*Kafka, error) {
	if options.Brokers == 0 {
		options.Brokers = 1
	}
	if options.HeapMiB == 0 {
		options.HeapMiB = 512
	}
	java, err := findJava(ctx, options.Progress)
	if err != nil {
		return nil, err
	}
	jars, err := findKafka(ctx, options.Progress)
	if err != nil {
		return nil, err
	}
	var archive []string
	if options.QuickStart {
		if archive, err = archiveFlags(ctx, java, jars, options.Progress); err != nil {
			return nil, err
		}
	}
	return startKafka(ctx, Kafka{options: options, java: java, jars: jars, archive: archive})
}

// startKafka creates a cluster of that kind.
func startKafka(ctx context.Context, kind Kafka) (*Kafka, error) {
	const attempts = 3
	var err error
	for range attempts { // somebody may take a port between our choice and the broker's start
		k := kind
		k.id = uuid()
		if err = k.create(ctx); err == nil {
			return &k, nil
		}
		err = errors.Join(fmt.Errorf("start Kafka %s: %w", kafkaVersion, err), k.Close())
		if !portTaken(err) {
			break
		}
	}
	return nil, err
}

// uuid is 16 random bytes in the form that Kafka names clusters in.
func uuid() string {
	id := make([]byte, 16)
	_, _ = rand.Read(id) // never fails (crypto/rand)
	id[0] &= 0x7f        // a leading '-' would look like a flag
	return base64.RawURLEncoding.EncodeToString(id)
}

// create creates and starts all brokers.
func (k *Kafka) create(ctx context.Context) error {
	for i := range k.options.Brokers {
		b, err := newBroker(ctx, k, i+1)
		if err != nil {
			return err
		}
		k.brokers = append(k.brokers, b)
	}
	if err := k.each(func(b *Broker) error { return b.format(ctx) }); err != nil {
		return err
	}
	if err := k.Start(ctx); err != nil {
		return err
	}
	for user, password := range k.options.Users {
		if err := k.SetPassword(ctx, user, password); err != nil {
			return err
		}
	}
	return nil
}

// Start starts all brokers, which must be stopped, and returns when every one knows all others.
func (k *Kafka) Start(ctx context.Context) error {
	if err := k.each(func(b *Broker) error { return b.launch(ctx) }); err != nil {
		return err
	}
	return k.each(func(b *Broker) error { return b.ready(ctx, len(k.brokers)) })
}

// Stop ends all brokers by SIGTERM. One that has nobody left to hand its duties to, and therefore does not end, is
// killed after a while.
func (k *Kafka) Stop(ctx context.Context) error {
	const orderly = 10 * time.Second
	return k.each(func(b *Broker) error {
		limited, cancel := context.WithTimeout(ctx, orderly)
		defer cancel()
		if err := b.Stop(limited); err == nil || ctx.Err() != nil {
			return err
		}
		return b.Kill(ctx)
	})
}

// Kill ends all brokers by SIGKILL.
func (k *Kafka) Kill(ctx context.Context) error {
	return k.each(func(b *Broker) error { return b.Kill(ctx) })
}

// each does the same with all brokers at once.
func (k *Kafka) each(do func(*Broker) error) error {
	results := make(chan error, len(k.brokers))
	for _, b := range k.brokers {
		go func() { results <- do(b) }()
	}
	var err error
	for range k.brokers {
		err = errors.Join(err, <-results)
	}
	return err
}

// listeners are those that clients may use, by the options.
func (k *Kafka) listeners() []Listener {
	all := []Listener{Plaintext}
	if k.options.Proxied {
		all = append(all, Proxied)
	}
	if k.options.TLS != nil {
		all = append(all, TLS)
	}
	if len(k.options.Users) > 0 {
		all = append(all, SASLPlaintext)
		if k.options.TLS != nil {
			all = append(all, SASLTLS)
		}
	}
	return all
}

// Brokers are the brokers in the order of their numbers, which begin with 1.
func (k *Kafka) Brokers() []*Broker { return k.brokers }

// Broker is the broker of that number, nil if there is none.
func (k *Kafka) Broker(id int32) *Broker {
	if id < 1 || int(id) > len(k.brokers) {
		return nil
	}
	return k.brokers[id-1]
}

// Bootstrap lists the addresses, host:port, of one listener on every broker; nil for a listener that is not there.
func (k *Kafka) Bootstrap(l Listener) []string {
	var addresses []string
	for _, b := range k.brokers {
		if addr := b.Addr(l); addr != "" {
			addresses = append(addresses, addr)
		}
	}
	return addresses
}

// Close ends all brokers at once and removes their folders.
func (k *Kafka) Close() error {
	return k.each(func(b *Broker) error { return b.close() })
}
