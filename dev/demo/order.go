package main

import (
	"context"
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5"
)

// createOrders is the service's own table. The version of an order counts its changes; it is the n of the event.
const createOrders = `CREATE TABLE orders (id text PRIMARY KEY, status text NOT NULL, version bigint NOT NULL DEFAULT 1)`

// changeOrder is the business of the service. It locks the order's row until the transaction ends, so changes of one
// order are committed one after another, in the order of their versions.
const changeOrder = `INSERT INTO orders (id, status) VALUES ($1, $2)
	ON CONFLICT (id) DO UPDATE SET status = excluded.status, version = orders.version + 1
	RETURNING version`

// addEvent tells of it, in the same transaction: that is the outbox pattern.
const addEvent = `INSERT INTO outbox (id, aggregatetype, aggregateid, type, payload)
	VALUES (gen_random_uuid(), 'order', $1, $2, jsonb_build_object('n', $3::bigint, 'order', $1::text, 'status', $4::text))
	RETURNING id::text`

const (
	orders         = 400 // keys
	maxPerTx       = 3   // orders changed in one transaction
	rollbackShare  = 0.1 // of transactions
	savepointShare = 0.1 // of transactions
)

// serve runs one transaction: it changes a few orders, sometimes takes one change back by
// a savepoint, and commits, or sometimes rolls everything back.
func serve(ctx context.Context, conn *pgx.Conn, book *ledger) error {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // after a commit it does nothing
	ids, err := changeSome(ctx, tx, book)
	if err != nil {
		return err
	}
	if rand.Float64() < rollbackShare {
		err := tx.Rollback(ctx)
		book.rollback(ids) // it cannot be committed any more, whatever the error
		return err
	}
	if err := tx.Commit(ctx); err != nil {
		return err
	}
	book.commit(ids)
	return nil
}

// changeSome changes a few orders, and returns the ids of their events.
func changeSome(ctx context.Context, tx pgx.Tx, book *ledger) (ids []string, err error) {
	keys := someOrders()
	for _, key := range keys {
		id, err := change(ctx, tx, key)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	if rand.Float64() < savepointShare {
		err = changeMind(ctx, tx, keys[len(keys)-1], book)
	}
	return ids, err
}

// changeMind changes an order once more and takes that back by a savepoint.
func changeMind(ctx context.Context, tx pgx.Tx, key string, book *ledger) error {
	savepoint, err := tx.Begin(ctx) // in a transaction, Begin is SAVEPOINT
	if err != nil {
		return err
	}
	id, err := change(ctx, savepoint, key)
	if err != nil {
		return err
	}
	if err := savepoint.Rollback(ctx); err != nil {
		return err
	}
	book.savepoint([]string{id})
	return nil
}

// change changes one order and tells of it, and returns the event's id.
func change(ctx context.Context, tx pgx.Tx, key string) (string, error) {
	kinds := []struct{ event, status string }{
		{"OrderPlaced", "placed"}, {"OrderPaid", "paid"}, {"OrderPacked", "packed"}, {"OrderShipped", "shipped"},
	}
	kind := kinds[rand.IntN(len(kinds))]
	var version int64
	if err := tx.QueryRow(ctx, changeOrder, key, kind.status).Scan(&version); err != nil {
		return "", err
	}
	var id string
	err := tx.QueryRow(ctx, addEvent, key, kind.event, version, kind.status).Scan(&id)
	return id, err
}

// someOrders chooses different orders, sorted, so that transactions that lock their rows never wait for each other in a
// circle.
func someOrders() []string {
	var keys []string
	for range 1 + rand.IntN(maxPerTx) {
		keys = append(keys, "order-"+strconv.Itoa(1+rand.IntN(orders)))
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}
