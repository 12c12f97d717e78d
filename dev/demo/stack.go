package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/walpost/walpost/dev/devstack"
)

const (
	database   = "shop"
	topic      = "outbox.event.order" // where walpost's default puts rows with the aggregatetype "order"
	partitions = 4
)

// stack is the two servers.
type stack struct {
	postgres *devstack.Postgres
	broker   broker
}

// startStack starts both servers at the same time and tells what it has started.
func startStack(ctx context.Context, s *screen, o options) (_ *stack, err error) {
	s.say("Starting Postgres and Kafka in temporary folders; what is missing is fetched once.")
	st := &stack{}
	defer func() {
		if err != nil {
			err = errors.Join(err, st.close())
		}
	}()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results := make(chan error)
	go func() { results <- st.startPostgres(ctx, s) }()
	go func() { results <- st.startBroker(ctx, s, o) }()
	for range 2 {
		if e := <-results; e != nil && err == nil {
			err = e  // the second one's is only that it was cancelled
			cancel() // wait for it all the same, for it may have started
		}
	}
	return st, err
}

func (st *stack) startPostgres(ctx context.Context, s *screen) error {
	from := time.Now()
	p, err := devstack.StartPostgres(ctx, devstack.PostgresOptions{Progress: s.indented()})
	if err != nil {
		return err
	}
	st.postgres = p
	if err := p.CreateDatabase(ctx, database); err != nil {
		return withLog(err, "Postgres", p.LogTail())
	}
	var version string
	conn, err := p.Connect(ctx, database)
	if err == nil {
		err = errors.Join(conn.QueryRow(ctx, `SELECT split_part(current_setting('server_version'), ' ', 1)`).Scan(&version),
			conn.Close(ctx))
	}
	if err != nil {
		return withLog(err, "Postgres", p.LogTail())
	}
	s.say("  Postgres %-8s on %s   up after %s", version, p.Addr(), seconds(time.Since(from)))
	return nil
}

func (st *stack) startBroker(ctx context.Context, s *screen, o options) error {
	from := time.Now()
	var err error
	if o.embedded {
		st.broker, err = startEmbedded(s)
	} else {
		st.broker, err = startKafka(ctx, s)
	}
	if err != nil {
		return err
	}
	s.say("  %-17s on %s   up after %s", st.broker.name(), st.broker.address(), seconds(time.Since(from)))
	return nil
}

// url is the database's for everybody.
func (st *stack) url() string { return st.postgres.URL(database) }

// close ends both servers at once and removes their folders.
func (st *stack) close() error {
	var errs []error
	if st.broker != nil {
		errs = append(errs, st.broker.close())
	}
	if st.postgres != nil {
		errs = append(errs, st.postgres.Close())
	}
	return errors.Join(errs...)
}

// withLog adds the end of the log of whom an error may come from.
func withLog(err error, who, log string) error {
	return fmt.Errorf("%w\n%s wrote last:\n%s", err, who, log)
}
