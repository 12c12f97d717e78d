package killed_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/pkg/inbox"
	"github.com/walpost/walpost/pkg/inbox/deadletter"
)

const said = "assigned" // what a consumer says when it has partitions

// consume is a consumer with a retry topic and dead letters.
func consume(ctx context.Context, c child, db *sql.DB) error {
	consumer, err := inbox.New(inbox.Config{
		Brokers: c.Brokers, Group: c.Group, Topics: c.Topics, Parallel: 3, Batch: 20, AttemptTimeout: 20 * time.Second,
		RetryTopic: "{topic}.retry", Retry: inbox.Retry{Attempts: 4, First: 5 * time.Millisecond, Max: 50 * time.Millisecond},
		ConfigureSarama: func(s *sarama.Config) {
			quick(s)
			s.Consumer.Group.InstanceId = c.Instance
		},
		Observers: []inbox.Observer{inbox.ObserverFunc(func(o inbox.Observation) {
			if o.Kind == inbox.KindAssigned {
				say(said)
			}
		})},
	}, inbox.SQL(db), handle)
	if err != nil {
		return err
	}
	return consumer.Run(ctx)
}

// schema has the effects of handlers, one row for each that was committed, and whether the handler is repaired.
const schema = `CREATE TABLE effect (n bigserial, topic text, part int, pos bigint, key bytea, type text, content text);
	CREATE TABLE handler (repaired bool NOT NULL);
	INSERT INTO handler VALUES (false)`

// handle writes what it was given. Types of events say how it fails then, so that its row must not stay.
func handle(ctx context.Context, tx *sql.Tx, e *inbox.Event) error {
	content := newContent(e.Topic, e.Key, e.Payload)
	for _, h := range e.Headers {
		content.header(h.Name, h.Value)
	}
	if _, err := tx.ExecContext(ctx, "INSERT INTO effect (topic, part, pos, key, type, content) VALUES ($1, $2, $3, $4, $5, $6)",
		e.Topic, e.Partition, e.Offset, e.Key, e.Type, content.String()); err != nil {
		return err
	}
	switch e.Type {
	case heals:
		if e.Attempt < 3 {
			return fmt.Errorf("attempt %d", e.Attempt)
		}
		return nil
	case permanent, state, panics, exhausts:
		return fail(ctx, tx, e.Type)
	}
	return nil
}

// fail fails unless the handler is repaired.
func fail(ctx context.Context, tx *sql.Tx, how string) error {
	var repaired bool
	if err := tx.QueryRowContext(ctx, "SELECT repaired FROM handler").Scan(&repaired); err != nil || repaired {
		return err
	}
	switch how {
	case permanent:
		return inbox.Permanent(errors.New("poison"))
	case state:
		_, err := tx.ExecContext(ctx, "SELECT 1/0")
		return err
	case panics:
		panic("poison")
	}
	return errors.New("what nobody knows")
}

// redrive puts back what can be processed by now.
func redrive(ctx context.Context, c child, _ *sql.DB) error {
	for _, topic := range c.Topics {
		_, err := deadletter.Redrive(ctx, deadletter.Config{
			Brokers: c.Brokers, Topic: topic + ".DLT", Match: redrivable,
			Each: func(*deadletter.Record) error { say("one"); return nil },
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// redrivable reports whether a dead letter can be processed by now, and is not to be discarded.
func redrivable(d *deadletter.Record) bool { return d.Reason != "undecodable" && !discardable(d) }

func discardable(d *deadletter.Record) bool {
	_, ok := d.Event.Header(discardHeader)
	return ok
}

// content is the hash of a record: topic, key, value and headers, but for the count of redrives.
type content struct{ hash.Hash }

func newContent(topic string, key, value []byte) content {
	c := content{sha256.New()}
	c.add([]byte(topic), false)
	c.add(key, key == nil)
	c.add(value, value == nil)
	return c
}

func (c content) header(name string, value []byte) {
	if name != "walpost-redrives" {
		c.add([]byte(name), false)
		c.add(value, false)
	}
}

func (c content) add(b []byte, null bool) {
	n := int64(len(b))
	if null {
		n = -1
	}
	_, _ = c.Write(binary.BigEndian.AppendUint64(nil, uint64(n)))
	_, _ = c.Write(b)
}

func (c content) String() string { return hex.EncodeToString(c.Sum(nil)) }
