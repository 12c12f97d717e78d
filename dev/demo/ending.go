package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/dev/oracle"
)

// verdict compares what is committed with what is in Kafka, and tells.
func (d *demo) verdict(ctx context.Context) error {
	committed, records, err := d.evidence(ctx)
	if err != nil {
		return err
	}
	v := judge(d.book.copy(), committed, records, d.kills)
	s := d.screen
	s.say("")
	v.show(s)
	s.say("")
	if !v.kept() {
		s.say("%s", s.red("walpost did not keep its promises."))
		return errBroken
	}
	s.say("%s Half of the events were at the consumer within %d ms of their commit.",
		s.green("walpost kept its promises."), d.consumer.delay().Milliseconds()+1)
	return nil
}

// evidence reads the outbox, and the topic from its beginning.
func (d *demo) evidence(ctx context.Context) (committed, records []oracle.Event, err error) {
	const patience = 20 * time.Second
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("not done after %s", patience))
	defer cancel()
	conn, err := d.stack.postgres.Connect(ctx, database)
	if err == nil {
		committed, err = oracle.Committed(ctx, conn, "outbox")
		err = errors.Join(err, conn.Close(ctx))
	}
	if err != nil {
		return nil, nil, withLog(fmt.Errorf("read the outbox: %w", err), "Postgres", d.stack.postgres.LogTail())
	}
	client, err := sarama.NewClient([]string{d.stack.broker.address()}, kafkaConfig())
	if err == nil {
		records, err = oracle.Consumed(ctx, client, topic)
		err = errors.Join(err, client.Close())
	}
	if err != nil {
		return nil, nil, withLog(fmt.Errorf("read the topic: %w", err), d.stack.broker.name(), d.stack.broker.log())
	}
	return committed, records, nil
}

// stay leaves everything running, where that is wanted, until it is interrupted.
func (d *demo) stay(ctx context.Context) error {
	if !d.keep {
		return nil
	}
	s := d.screen
	s.headline("Everything stays up until Ctrl-C")
	if err := d.startRelay(ctx); err != nil {
		return err
	}
	for _, look := range d.looks() {
		s.say("  %-15s %s", look[0], look[1])
	}
	<-ctx.Done()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	s.say("")
	return d.relay.stop()
}

// looks are what there is to see, each with where it is or what to type.
func (d *demo) looks() [][2]string {
	return [][2]string{
		{"the database", fmt.Sprintf("psql '%s'", d.stack.url())},
		{"what arrives", fmt.Sprintf("go run ./dev/demo -watch %s", d.stack.broker.address())},
		{
			"an event", fmt.Sprintf(`psql '%s' -c "INSERT INTO outbox (id, aggregatetype, aggregateid, type, payload) VALUES `+
				`(gen_random_uuid(), 'order', 'mine', 'Hello', '{\"n\": 1}')"`, d.stack.url()),
		},
		{"is it ready", fmt.Sprintf("curl http://%s/readyz", d.config.admin)},
		{"metrics", fmt.Sprintf("curl http://%s/metrics", d.config.admin)},
		{"walpost's file", d.config.path},
		{"walpost's log", d.log()},
	}
}
