package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/walpost/walpost/dev/devstack"
)

// site is how the programs under measurement reach the servers.
type site struct {
	postgres string   // libpq URL
	kafka    []string // host:port
	kafkaCA  string   // file; "": no TLS
}

// stackSpec is what servers a measurement needs. Measurements with the same one share them.
type stackSpec struct {
	major   int // of Postgres; 0: the newest that is installed
	brokers int
	proxied bool
	tls     bool // Postgres only by TLS, Kafka by TLS too
}

// direct is the way without anything between.
func (b *bench) direct() site {
	return site{postgres: b.postgres.URL(b.database), kafka: b.kafka.Bootstrap(devstack.Plaintext)}
}

// describe is the stack in words.
func (s stackSpec) describe() string {
	text := fmt.Sprintf("%d broker", max(1, s.brokers))
	if s.brokers > 1 {
		text += "s"
	}
	if s.tls {
		text += ", TLS"
	}
	return text
}

// startServers starts what a spec asks for.
func (b *bench) startServers(ctx context.Context, s stackSpec) (err error) {
	var secure *devstack.ServerTLS
	if s.tls {
		if b.ca, err = devstack.NewCA("walpost bench"); err != nil {
			return err
		}
		secure = &devstack.ServerTLS{CA: b.ca}
	}
	b.say("starting Postgres and Kafka: %s", s.describe())
	if err := b.startPostgres(ctx, s, secure); err != nil {
		return err
	}
	b.kafka, err = devstack.StartKafka(ctx, devstack.KafkaOptions{
		Brokers: s.brokers, HeapMiB: brokerHeap, Settings: kafkaSettings(), TLS: secure, Proxied: s.proxied, Progress: b.progress,
	})
	if err != nil {
		return err
	}
	if b.client, err = b.kafka.Client(); err != nil {
		return err
	}
	b.site = b.direct()
	return b.createOutbox(ctx)
}

func (b *bench) startPostgres(ctx context.Context, s stackSpec, secure *devstack.ServerTLS) (err error) {
	b.postgres, err = devstack.StartPostgres(ctx, devstack.PostgresOptions{
		Major: s.major, Settings: postgresSettings(), TLS: secure, Progress: b.progress,
	})
	if err != nil {
		return err
	}
	if b.recvlogical, err = b.postgres.Tool("pg_recvlogical"); err != nil {
		return err
	}
	b.conn, err = b.postgres.Connect(ctx, b.database)
	return err
}

// stopServers ends what was started.
func (b *bench) stopServers() error {
	var errs []error
	if b.client != nil {
		errs = append(errs, b.client.Close())
	}
	if b.kafka != nil {
		errs = append(errs, b.kafka.Close())
	}
	if b.postgres != nil {
		errs = append(errs, b.postgres.Close())
	}
	b.client, b.kafka, b.postgres, b.conn = nil, nil, nil, nil
	return errors.Join(errs...)
}

// access is the wanted way to the servers.
type access struct {
	proxied             bool // through proxies, which cost something by themselves
	toPostgres, toKafka time.Duration
	tlsKafka            bool
}

// visit creates the site that a measurement wants, and what undoes it.
func (b *bench) visit(ctx context.Context, a access) (leave func() error, err error) {
	b.site = b.direct()
	leave = func() error { return nil }
	if a.tlsKafka {
		b.site.kafka = b.kafka.Bootstrap(devstack.TLS)
		if b.site.kafkaCA, err = b.ca.WriteFile(b.dir, "ca"); err != nil {
			return leave, err
		}
	}
	if !a.proxied {
		return leave, nil
	}
	proxy, err := devstack.NewProxy(ctx, b.postgres.Addr())
	if err != nil {
		return leave, err
	}
	proxy.Delay(a.toPostgres)
	b.site.postgres = b.postgres.URLVia(proxy.Addr(), "postgres", "", b.database)
	b.site.kafka = b.kafka.Bootstrap(devstack.Proxied)
	for _, broker := range b.kafka.Brokers() {
		broker.Proxy().Delay(a.toKafka)
	}
	return func() error {
		for _, broker := range b.kafka.Brokers() {
			broker.Proxy().Heal()
		}
		b.site = b.direct()
		return proxy.Close()
	}, nil
}
