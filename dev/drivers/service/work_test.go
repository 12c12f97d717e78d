package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/walpost/walpost/pkg/eventstore"
	"github.com/walpost/walpost/pkg/inbox"
	"github.com/walpost/walpost/pkg/outbox"
	"github.com/walpost/walpost/pkg/outbox/retention"
	"github.com/walpost/walpost/pkg/projection"
)

// service is what is written with a driver.
type service[Tx any] struct {
	db     database
	pool   inbox.DB[Tx]
	outbox func(Tx) outbox.Tx
	events func(Tx) eventstore.Tx
}

func (s service[Tx]) test(t *testing.T) {
	t.Run("outbox", s.writes)
	t.Run("eventstore", s.keeps)
	t.Run("inbox", s.consumes)
}

// writes puts events into the outbox in some transactions at once, of which one is rolled back.
func (s service[Tx]) writes(t *testing.T) {
	var all sync.WaitGroup
	for n := range 40 {
		all.Go(func() {
			order := fmt.Sprint("order ", n)
			err := s.pool.Transact(t.Context(), func(tx Tx) error {
				if _, err := s.pool.Exec(t.Context(), tx, "INSERT INTO orders VALUES ($1, $2)", order, "placed"); err != nil {
					return err
				}
				event := outbox.Event{AggregateType: "order", AggregateID: order, Type: "OrderPlaced", Payload: map[string]int{"total": n}}
				events := make([]outbox.Event, 1+n%2)
				for i := range events {
					events[i] = event
				}
				if err := outbox.Write(t.Context(), s.outbox(tx), events...); err != nil {
					return err
				}
				if err := outbox.Emit(t.Context(), s.outbox(tx), event); err != nil {
					return err
				}
				if n == 3 {
					return errors.New("no")
				}
				return nil
			})
			if (err != nil) != (n == 3) {
				t.Error(order, ": ", err)
			}
		})
	}
	all.Wait()
	got := s.db.text(t, "SELECT count(DISTINCT aggregateid) || ' ' || count(*) || ' ' || sum((payload->>'total')::int) FROM outbox")
	if got != "39 58 1174" {
		t.Errorf("orders, events and sum are %s", got)
	}
	if got := s.db.text(t, "SELECT count(*)::text FROM orders"); got != "39" {
		t.Errorf("%s orders", got)
	}
}

// keeps appends, loads and snapshots an aggregate, in some transactions at once.
func (s service[Tx]) keeps(t *testing.T) {
	store, err := eventstore.New(eventstore.Config{})
	if err != nil {
		t.Fatal(err)
	}
	apply := func(sum *int, e eventstore.Recorded) error {
		var amount int
		err := json.Unmarshal(e.Payload, &amount)
		*sum += amount
		return err
	}
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			stream := eventstore.Stream{Type: "account", ID: fmt.Sprint(n)}
			for range 6 {
				err := s.pool.Transact(t.Context(), func(tx Tx) error {
					a, err := eventstore.Load(t.Context(), store, s.events(tx), stream, apply)
					if err != nil {
						return err
					}
					if err := a.Append(t.Context(), s.events(tx), eventstore.Event{Type: "Paid", Payload: 7}); err != nil {
						return err
					}
					if a.State() != 7*int(a.Version()) {
						return fmt.Errorf("the sum of version %d is %d", a.Version(), a.State())
					}
					return a.SaveSnapshot(t.Context(), s.events(tx))
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if got := s.db.text(t, "SELECT count(*)::text FROM events"); got != "48" {
		t.Errorf("%s events", got)
	}
}

// kinds are the types of many events, with one that the handler cannot process.
func kinds() []string {
	all := make([]string, 200)
	for n := range all {
		all[n] = "Placed"
	}
	all[50] = "Bad"
	return all
}

// consumes processes events, of which one breaks a constraint, and some come twice.
func (s service[Tx]) consumes(t *testing.T) {
	s.db.exec(t, "TRUNCATE orders")
	topic := topic(t)
	publish(t, topic, kinds()...)
	publish(t, topic, kinds()[:20]...) // the same events again
	done := map[inbox.Kind]int{}
	var text string
	seen := make(chan inbox.Observation, 1000)
	consumer, err := inbox.New(inbox.Config{
		Brokers: []string{*broker}, Group: topic, Topics: []string{topic}, Parallel: 2,
		Observers: []inbox.Observer{inbox.ObserverFunc(func(o inbox.Observation) { seen <- o })},
	}, s.pool, func(ctx context.Context, tx Tx, e *inbox.Event) error {
		_, err := s.pool.Exec(ctx, tx, "INSERT INTO orders VALUES ($1, $2)", string(e.Key), e.Type)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- consumer.Run(ctx) }()
	for done[inbox.KindProcessed]+done[inbox.KindRepeated]+done[inbox.KindDeadLettered] < 220 {
		select {
		case o := <-seen:
			done[o.Kind]++
			if o.Kind == inbox.KindDeadLettered {
				text = o.ErrorText
			} else if o.Err != nil {
				t.Logf("%s: %v", o.Kind, o.Err)
			}
		case err := <-ended:
			t.Fatal(err)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if done[inbox.KindProcessed] != 199 || done[inbox.KindRepeated] != 20 || done[inbox.KindDeadLettered] != 1 {
		t.Errorf("%v, want 199 processed, 20 repeated and 1 dead letter", done)
	}
	if !strings.HasPrefix(text, "SQLSTATE 23514 (*p") || !strings.HasSuffix(text, ", table orders, constraint orders_state_check") {
		t.Errorf("the dead letter says %s", text)
	}
	if got := s.db.text(t, "SELECT count(*)::text FROM orders"); got != "199" {
		t.Errorf("%s orders", got)
	}
}

// projected builds a read model, and builds it anew.
func projected[Tx any](t *testing.T, db database, pool projection.DB[Tx]) {
	db.exec(t, "CREATE TABLE order_list (id text PRIMARY KEY, state text NOT NULL)")
	topic := topic(t)
	publish(t, topic, kinds()...)
	applied := make(chan string, 1000)
	list, err := projection.New(projection.Config{
		Name: topic, Brokers: []string{*broker}, Topics: []string{topic}, Tables: []string{"order_list"},
		Observers: []inbox.Observer{inbox.ObserverFunc(func(o inbox.Observation) {
			if o.Err != nil {
				t.Logf("%s: %v", o.Kind, o.Err)
			}
		})},
	}, pool, func(ctx context.Context, tx Tx, e *projection.Event) error {
		_, err := pool.Exec(ctx, tx, "INSERT INTO "+e.Table("order_list")+
			" (id, state) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET state = excluded.state", string(e.Key), e.Type)
		applied <- e.ID
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- list.Run(ctx) }()
	for range kinds() {
		select {
		case <-applied:
		case err := <-ended:
			t.Fatal(err)
		}
	}
	db.exec(t, "UPDATE order_list SET state = 'old'")
	if err := list.Rebuild(ctx); err != nil {
		t.Error(err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if got := db.text(t, "SELECT count(*) || ' ' || count(DISTINCT state) FROM order_list"); got != "200 2" {
		t.Errorf("orders and states are %s", got)
	}
}

// pruned deletes what a slot has confirmed.
func pruned(t *testing.T, db database, pool retention.DB) {
	db.exec(t, "SELECT pg_create_logical_replication_slot($1, 'pgoutput')", db.name)
	defer db.exec(t, "SELECT pg_drop_replication_slot($1)", db.name)
	db.exec(t, "INSERT INTO outbox SELECT gen_random_uuid(), 'order', '42', 'Old', '1', now() - interval '1 day' "+
		"FROM generate_series(1, 30)")
	pruner, err := retention.New(retention.Config{
		Outbox: outbox.Config{Columns: outbox.Columns{CreatedAt: "created_at"}}, Slot: db.name, Keep: time.Hour, Batch: 10,
		Wait: 100 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	deleted := int64(0)
	for deleted < 30 {
		db.exec(t, "SELECT pg_replication_slot_advance($1, pg_current_wal_lsn())", db.name)
		n, err := pruner.Prune(t.Context(), pool)
		deleted += n
		if err != nil && !errors.Is(err, retention.ErrNotConfirmed) {
			t.Fatal(err)
		}
	}
}
