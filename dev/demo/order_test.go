package main

import (
	"os"
	"testing"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/dev/oracle"
)

var servers devstacktest.Stack

func TestMain(m *testing.M) { os.Exit(servers.Main(m)) }

// outboxTable is Debezium's, as `walpost init` makes it.
const outboxTable = `CREATE TABLE outbox (id uuid PRIMARY KEY, aggregatetype text NOT NULL, aggregateid text NOT NULL, type text NOT ` +
	`NULL, payload jsonb)`

// TestServiceBooks runs the service on a real Postgres and compares its ledger with the table: the verdict rests on both.
func TestServiceBooks(t *testing.T) {
	t.Parallel()
	ctx, postgres, name := t.Context(), servers.Postgres(t), servers.Name(t)
	if err := postgres.CreateDatabase(ctx, name); err != nil {
		t.Fatal(err)
	}
	if err := postgres.Exec(ctx, name, outboxTable, createOrders); err != nil {
		t.Fatal(err)
	}
	book := newLedger()
	sv, err := startService(ctx, postgres.URL(name), book, func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	enough := func() (bool, error) {
		b := book.copy()
		return b.commits >= 200 && b.rollbacks >= 10 && b.savepoints >= 10 || t.Failed(), nil
	}
	if err := devstack.Poll(ctx, sampleEvery, enough); err != nil {
		t.Fatal(err)
	}
	if err := sv.end(ctx); err != nil {
		t.Fatal(err)
	}

	conn, err := postgres.Connect(ctx, name)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	committed, err := oracle.Committed(ctx, conn, "outbox")
	if err != nil {
		t.Fatal(err)
	}
	b := book.copy()
	if len(committed) != len(b.committed) {
		t.Errorf("%d events in the outbox, %d in the ledger", len(committed), len(b.committed))
	}
	highest, count := map[string]int64{}, map[string]int64{}
	for _, e := range committed {
		if _, ok := b.committed[e.ID]; !ok {
			t.Errorf("event %s is in the outbox and not in the ledger", e.ID)
		}
		if _, ok := b.rolledBack[e.ID]; ok {
			t.Errorf("event %s is in the outbox and was rolled back by the ledger", e.ID)
		}
		highest[e.Key] = max(highest[e.Key], e.Number)
		count[e.Key]++
	}
	for key, n := range highest {
		if count[key] != n {
			t.Errorf("%s has %d events, the last with n %d", key, count[key], n)
		}
	}
}
