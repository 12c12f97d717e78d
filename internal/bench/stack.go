package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/IBM/sarama"
	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/internal/devstack"
)

const (
	publication = "bench"
	partitions  = 4
	brokerHeap  = 1024 // MiB
)

// bench is the servers and what is known of them.
type bench struct {
	options
	progress io.Writer
	began    time.Time

	postgres    *devstack.Postgres
	database    string
	kafka       *devstack.Kafka
	client      sarama.Client
	conn        *pgx.Conn
	recvlogical string
	dir         string // configurations and logs of the programs under measurement
	names       int
	next        int64 // number of the next event
}

// postgresSettings keep the server's own work out of the measurement: the backlog's dirty pages are written by a
// CHECKPOINT after the fill, and no vacuum runs beside a drain.
func postgresSettings() map[string]string {
	return map[string]string{
		"autovacuum": "off", "checkpoint_timeout": "1h", "max_wal_size": "32GB",
	}
}

// kafkaSettings free the disk soon after a topic was deleted.
func kafkaSettings() map[string]string {
	return map[string]string{"log.segment.delete.delay.ms": "1000"}
}

// newBench starts the servers and makes the outbox.
func newBench(ctx context.Context, o options, progress io.Writer) (_ *bench, err error) {
	b := &bench{options: o, progress: progress, began: time.Now(), database: "postgres"}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.close())
		}
	}()
	if b.dir, err = os.MkdirTemp("", "walpost-bench-"); err != nil {
		return nil, err
	}
	b.say("starting Postgres and Kafka")
	b.postgres, err = devstack.StartPostgres(ctx, devstack.PostgresOptions{Settings: postgresSettings(), Progress: progress})
	if err != nil {
		return nil, err
	}
	if b.recvlogical, err = b.postgres.Tool("pg_recvlogical"); err != nil {
		return nil, err
	}
	b.kafka, err = devstack.StartKafka(ctx, devstack.KafkaOptions{HeapMiB: brokerHeap, Settings: kafkaSettings(), Progress: progress})
	if err != nil {
		return nil, err
	}
	if b.client, err = b.kafka.Client(); err != nil {
		return nil, err
	}
	if b.conn, err = b.postgres.Connect(ctx, b.database); err != nil {
		return nil, err
	}
	return b, b.createOutbox(ctx)
}

// close ends everything that was started.
func (b *bench) close() error {
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
	return errors.Join(append(errs, os.RemoveAll(b.dir))...) //nolint:gosec // the folder that newBench made
}

// say tells a person who waits what is going on.
func (b *bench) say(format string, args ...any) {
	_, _ = fmt.Fprintf(b.progress, "%4.0fs  %s\n", time.Since(b.began).Seconds(), fmt.Sprintf(format, args...))
}

// broker is the broker's process.
func (b *bench) broker() int { return b.kafka.Brokers()[0].PID() }

// name makes a name that was not used before.
func (b *bench) name(prefix string) string {
	b.names++
	return fmt.Sprintf("%s_%d", prefix, b.names)
}

// logFile is where the output of a program goes.
func (b *bench) logFile(name string) string { return filepath.Join(b.dir, name+".log") }

// createTopic makes a new topic and returns its name.
func (b *bench) createTopic(ctx context.Context, prefix string) (string, error) {
	topic := b.name(prefix)
	if err := b.kafka.CreateTopic(ctx, topic, partitions, 1, nil); err != nil {
		return "", err
	}
	return topic, b.client.RefreshMetadata(topic)
}

// endOffsets is how many records a topic has, all partitions in one request.
func (b *bench) endOffsets(topic string) (int64, error) {
	leader, err := b.client.Leader(topic, 0) // there is one broker
	if err != nil {
		return 0, err
	}
	request := &sarama.OffsetRequest{Version: 1}
	for p := range int32(partitions) {
		request.AddBlock(topic, p, sarama.OffsetNewest, 1)
	}
	response, err := leader.GetAvailableOffsets(request)
	if err != nil {
		return 0, err
	}
	var sum int64
	for p := range int32(partitions) {
		block := response.GetBlock(topic, p)
		if block == nil {
			return 0, fmt.Errorf("no end offset of %s/%d", topic, p)
		}
		if block.Err != sarama.ErrNoError {
			return 0, fmt.Errorf("end offset of %s/%d: %w", topic, p, block.Err)
		}
		sum += block.Offset
	}
	return sum, nil
}
