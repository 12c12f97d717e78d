package naive

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"
	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// Options are what one run needs.
type Options struct {
	URL         string // of the database, libpq's form
	Slot        string
	Publication string
	Brokers     []string      // host:port
	Topic       string        // prefix; the record goes to Topic.aggregatetype
	Linger      time.Duration // how long a record waits for others: sarama's Flush.Frequency, 0 is its default
}

const statusEvery = 10 * time.Second

// relay is one run.
type relay struct {
	conn     *pgconn.PgConn
	producer sarama.AsyncProducer
	topic    string
	tables   map[uint32]columns
	commit   pglogrepl.LSN // of the transaction that is read
	acked    atomic.Uint64 // newest commit LSN of an acknowledged record
	failed   chan error
}

// Run relays until ctx is done, which is no error.
func Run(ctx context.Context, o Options) error {
	producer, err := sarama.NewAsyncProducer(o.Brokers, producerConfig(o.Linger))
	if err != nil {
		return fmt.Errorf("connect to Kafka: %w", err)
	}
	r := &relay{producer: producer, topic: o.Topic, tables: map[uint32]columns{}, failed: make(chan error, 1)}
	drained := make(chan struct{})
	go r.acknowledge(drained)
	err = r.stream(ctx, o)
	producer.AsyncClose()
	<-drained
	if r.conn != nil {
		end := context.WithoutCancel(ctx)
		if ctx.Err() != nil {
			err = r.status(end)
		}
		err = errors.Join(err, r.conn.Close(end))
	}
	return err
}

// producerConfig returns what a relay needs of sarama so as not to lose or reorder while
// nothing fails, and lz4 as walpost has.
func producerConfig(linger time.Duration) *sarama.Config {
	c := sarama.NewConfig()
	c.Version = sarama.V2_8_0_0
	c.Producer.RequiredAcks = sarama.WaitForAll
	c.Producer.Idempotent = true
	c.Net.MaxOpenRequests = 1 // sarama demands it of an idempotent producer
	c.Producer.Compression = sarama.CompressionLZ4
	c.Producer.Return.Successes = true
	c.Producer.Flush.Frequency = linger
	return c
}

// stream reads the slot from where it stands.
func (r *relay) stream(ctx context.Context, o Options) error {
	if err := r.connect(ctx, o); err != nil {
		return err
	}
	next := time.Now().Add(statusEvery)
	for {
		if time.Now().After(next) {
			if err := r.status(ctx); err != nil {
				return err
			}
			next = time.Now().Add(statusEvery)
		}
		message, err := r.receive(ctx, next)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the end that was asked for
		}
		if pgconn.Timeout(err) {
			continue
		}
		if err != nil {
			return err
		}
		if err := r.take(ctx, message); err != nil {
			return err
		}
	}
}

// connect starts the replication.
func (r *relay) connect(ctx context.Context, o Options) error {
	config, err := pgconn.ParseConfig(o.URL)
	if err != nil {
		return err
	}
	config.RuntimeParams["replication"] = "database"
	if r.conn, err = pgconn.ConnectConfig(ctx, config); err != nil {
		return err
	}
	return pglogrepl.StartReplication(ctx, r.conn, o.Slot, 0, pglogrepl.StartReplicationOptions{
		PluginArgs: []string{"proto_version '1'", fmt.Sprintf("publication_names '%s'", o.Publication)},
	})
}

func (r *relay) receive(ctx context.Context, until time.Time) (pgproto3.BackendMessage, error) {
	ctx, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	return r.conn.ReceiveMessage(ctx)
}

// status confirms what is acknowledged.
func (r *relay) status(ctx context.Context) error {
	return pglogrepl.SendStandbyStatusUpdate(ctx, r.conn, pglogrepl.StandbyStatusUpdate{WALWritePosition: pglogrepl.LSN(r.acked.Load())})
}

// take handles one message of the connection.
func (r *relay) take(ctx context.Context, message pgproto3.BackendMessage) error {
	data, ok := message.(*pgproto3.CopyData)
	if !ok {
		if failure, is := message.(*pgproto3.ErrorResponse); is {
			return pgconn.ErrorResponseToPgError(failure)
		}
		return nil
	}
	switch data.Data[0] {
	case pglogrepl.PrimaryKeepaliveMessageByteID:
		keepalive, err := pglogrepl.ParsePrimaryKeepaliveMessage(data.Data[1:])
		if err != nil || !keepalive.ReplyRequested {
			return err
		}
		return r.status(ctx)
	case pglogrepl.XLogDataByteID:
		wal, err := pglogrepl.ParseXLogData(data.Data[1:])
		if err != nil {
			return err
		}
		change, err := pglogrepl.Parse(wal.WALData)
		if err != nil {
			return err
		}
		return r.change(ctx, change)
	}
	return nil
}

// change produces the record of an inserted row.
func (r *relay) change(ctx context.Context, change pglogrepl.Message) error {
	switch m := change.(type) {
	case *pglogrepl.RelationMessage:
		var err error
		r.tables[m.RelationID], err = findColumns(m)
		return err
	case *pglogrepl.BeginMessage:
		r.commit = m.FinalLSN
	case *pglogrepl.InsertMessage:
		select {
		case r.producer.Input() <- r.tables[m.RelationID].record(r.topic, m.Tuple, r.commit):
		case err := <-r.failed:
			return err
		case <-ctx.Done():
		}
	}
	return nil
}

// acknowledge takes the producer's answers until it is closed.
func (r *relay) acknowledge(drained chan<- struct{}) {
	defer close(drained)
	for successes, failures := r.producer.Successes(), r.producer.Errors(); successes != nil || failures != nil; {
		select {
		case m, ok := <-successes:
			if !ok {
				successes = nil
				continue
			}
			if lsn, ok := m.Metadata.(pglogrepl.LSN); ok && uint64(lsn) > r.acked.Load() {
				r.acked.Store(uint64(lsn))
			}
		case err, ok := <-failures:
			if !ok {
				failures = nil
				continue
			}
			select {
			case r.failed <- err:
			default: // the first is enough
			}
		}
	}
}
