package relaytest

import (
	"context"
	"fmt"
	"testing"

	"github.com/IBM/sarama"
	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/dev/oracle"
)

// OutboxDDL is Debezium's outbox table, which the defaults fit.
const OutboxDDL = `CREATE TABLE outbox (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), aggregatetype text NOT NULL,
	aggregateid text, type text, payload jsonb)`

// Insert is one event of the aggregate type order with a number under a key.
func Insert(key string, n int) string {
	return fmt.Sprintf(`INSERT INTO outbox (aggregatetype, aggregateid, type, payload) VALUES ('order', '%s', 'Created', '{"n": %d}')`, key,
		n)
}

// Exact compares the topic with the table outbox: nothing may be lost or invented, and the order per key must be kept.
// Repeats are the caller's to judge.
func Exact(t testing.TB, conn *pgx.Conn, k *devstack.Kafka, topic string) *oracle.Report {
	t.Helper()
	committed, err := oracle.Committed(t.Context(), conn, "outbox")
	if err != nil {
		t.Fatal(err)
	}
	report := Compare(t, committed, k, topic)
	if !report.Kept() {
		t.Errorf("%v", report)
	}
	return report
}

// Once compares the topics, as a consumer with isolation.level=read_committed has them, with the table outbox: each event
// must be there once, and the order per key must be kept.
func Once(t testing.TB, conn *pgx.Conn, k *devstack.Kafka, topics ...string) *oracle.Report {
	t.Helper()
	committed, err := oracle.Committed(t.Context(), conn, "outbox")
	if err != nil {
		t.Fatal(err)
	}
	r := CompareCommitted(t, committed, k, topics...)
	if t.Log(r); !r.Kept() || r.Repeats != 0 || r.Committed == 0 {
		t.Errorf("%v", r)
	}
	return r
}

// Compare reads the topics and compares without judging.
func Compare(t testing.TB, committed []oracle.Event, k *devstack.Kafka, topics ...string) *oracle.Report {
	t.Helper()
	return compare(t, oracle.Consumed, committed, k, topics)
}

// CompareCommitted is Compare for a consumer with isolation.level=read_committed.
func CompareCommitted(t testing.TB, committed []oracle.Event, k *devstack.Kafka, topics ...string) *oracle.Report {
	t.Helper()
	return compare(t, oracle.ConsumedCommitted, committed, k, topics)
}

func compare(
	t testing.TB, read func(context.Context, sarama.Client, ...string) ([]oracle.Event, error),
	committed []oracle.Event, k *devstack.Kafka, topics []string,
) *oracle.Report {
	t.Helper()
	client, err := k.Client()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), devstacktest.Patience)
	defer cancel()
	records, err := read(ctx, client, topics...)
	if err != nil {
		t.Fatal(err)
	}
	return oracle.Compare(committed, records)
}
