package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/walpost/walpost/dev/devstack"
)

// candidate is a relay that can be measured.
type candidate struct {
	name string
	// start relays a slot into the topics of a route until the child gets SIGTERM.
	start func(ctx context.Context, slot string, to route) (*child, error)
	// confirms reports whether the slot must be confirmed to the end when it has stopped.
	confirms bool
	settings string // what it runs with beyond its defaults
	// transactional reports whether markers of transactions stand between its records: end offsets say more than there are.
	transactional bool
}

// The names of those that are measured.
const (
	readerRecvlogical = "pg_recvlogical"
	readerWalpost     = "walpost"
	readerAgainst     = "other walpost"
	readerExactlyOnce = "walpost exactly_once"
	readerSarama      = "sarama"
	readerSaramaTuned = "sarama tuned"
	readerDebezium    = "Debezium"
	readerTuned       = "Debezium tuned"
)

const debeziumRelease = devstack.DebeziumVersion + " on Kafka Connect " + devstack.ConnectVersion

// saramaLinger is what the tuned relay with sarama waits for more records. The default sends at once.
const saramaLinger = 5 * time.Millisecond

func (b *bench) walpostItself() candidate {
	return candidate{name: readerWalpost, start: b.walpostOf(b.walpost), confirms: true, settings: "defaults"}
}

// exactlyOnce is walpost with transactions.
func (b *bench) exactlyOnce() candidate {
	return candidate{
		name: readerExactlyOnce, start: b.startExactlyOnce, confirms: true, transactional: true,
		settings: "delivery.guarantee: exactly_once",
	}
}

// own are walpost as it is measured. Each warms the way that its records take through a broker.
func (b *bench) own() []candidate {
	if b.withExactlyOnce {
		return []candidate{b.walpostItself(), b.exactlyOnce()}
	}
	return []candidate{b.walpostItself()}
}

// walposts are walpost, and the other build that it is compared with, if there is one.
func (b *bench) walposts() []candidate {
	list := []candidate{b.walpostItself()}
	if b.against != "" {
		list = append(list, candidate{
			name: readerAgainst, start: b.walpostOf(b.against), confirms: true, settings: b.against + ", defaults",
		})
	}
	return list
}

// chosen are the relays that the command line asks for.
func (b *bench) chosen() []candidate {
	list := b.walposts()
	if b.withExactlyOnce {
		list = append(list, b.exactlyOnce())
	}
	if b.withPeers {
		list = append(list, b.peers()...)
	}
	return list
}

// peers are the relays that walpost is compared with.
func (b *bench) peers() []candidate {
	return []candidate{
		{name: readerSarama, start: b.naive(0), settings: "AsyncProducer, idempotent, acks=all, lz4"},
		{name: readerSaramaTuned, start: b.naive(saramaLinger), settings: fmt.Sprintf("the same with Flush.Frequency %s", saramaLinger)},
		{
			name: readerDebezium, start: b.debeziumWith(nil),
			settings: debeziumRelease + ": defaults, and " + devstack.Properties(debeziumNeeds(), " "),
		},
		{
			name: readerTuned, start: b.debeziumWith(debeziumTuning()),
			settings: "the same, and " + devstack.Properties(debeziumTuning(), " "),
		},
	}
}

// naive starts this program as the relay that is written with sarama.
func (b *bench) naive(linger time.Duration) func(context.Context, string, route) (*child, error) {
	return func(ctx context.Context, slot string, to route) (*child, error) {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		return startChild(ctx, b.logFile(b.name("naive")), self, commandNaive, "-url", b.site.postgres, "-slot", slot,
			"-publication", publication, "-brokers", strings.Join(b.site.kafka, ","), "-topic", to.prefix, "-linger", linger.String())
	}
}
