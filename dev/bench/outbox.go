package main

import (
	"context"
	"crypto/md5" //nolint:gosec // ids that both Postgres and this program can compute, nothing secret
	"encoding/hex"
	"fmt"
	"strconv"

	"github.com/walpost/walpost/dev/oracle"
)

// createOutbox creates the table, the publication before any slot, and what fills the table.
//
// Event n has the id md5(n), one of 10,007 keys, each in one of the aggregate types, and a payload of so many bytes, half
// of it hex digits that lz4 cannot shorten.
func (b *bench) createOutbox(ctx context.Context) error {
	statements := []string{
		`CREATE TABLE outbox (id uuid PRIMARY KEY, aggregatetype text NOT NULL, aggregateid text NOT NULL, type text NOT NULL,
			payload jsonb NOT NULL)`,
		`CREATE FUNCTION noise(n bigint, length int) RETURNS text LANGUAGE sql IMMUTABLE AS $$
			SELECT left(string_agg(md5(n || '-' || i), ''), length) FROM generate_series(1, 1 + length / 32) i
		$$`,
		`CREATE FUNCTION event(n bigint, size int, topics int) RETURNS SETOF outbox LANGUAGE sql STABLE AS $$
			SELECT md5(n::text)::uuid, 'order-' || n % 10007 % topics, 'key-' || n % 10007, 'OrderPlaced',
				format('{"n": %s, "data": "%s", "note": "%s"}', n, noise(n, room - room / 2),
					left(repeat('an order was placed and waits for payment, then it is packed and sent to its new owner soon, ',
						1 + room / 180), room / 2))::jsonb
			FROM (SELECT size - 31 - length(n::text) AS room) s
		$$`,
		`CREATE PROCEDURE fill(first bigint, last bigint, per_tx bigint, size int, topics int) LANGUAGE plpgsql AS $$
			BEGIN
				FOR i IN 0 .. (last - first) / per_tx LOOP
					INSERT INTO outbox SELECT e.*
						FROM generate_series(first + i * per_tx, least(last, first + (i + 1) * per_tx - 1)) n, event(n, size, topics) e;
					COMMIT;
				END LOOP;
			END
		$$`,
		`CREATE PUBLICATION ` + publication + ` FOR TABLE outbox`,
	}
	return b.postgres.Exec(ctx, b.database, statements...)
}

// insertEvent is the SQL that inserts and commits one event, given its number.
const insertEvent = `INSERT INTO outbox SELECT * FROM event($1, 250, 1)`

// eventID is the id of event n as it is in the header.
func eventID(n int64) string {
	sum := md5.Sum([]byte(strconv.FormatInt(n, 10))) //nolint:gosec // as above
	h := hex.EncodeToString(sum[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// claim returns the first of so many event numbers that nobody else uses.
func (b *bench) claim(events int64) int64 {
	first := b.next
	b.next += events
	return first
}

// createSlot creates a slot that will decode what is written from now on.
func (b *bench) createSlot(ctx context.Context, prefix string) (string, error) {
	slot := b.name(prefix)
	_, err := b.conn.Exec(ctx, `SELECT pg_create_logical_replication_slot($1, 'pgoutput')`, slot)
	return slot, err
}

// copySlot creates a slot that will decode the same as another one.
func (b *bench) copySlot(ctx context.Context, source string) (string, error) {
	slot := b.name("copy")
	_, err := b.conn.Exec(ctx, `SELECT pg_copy_logical_replication_slot($1, $2)`, source, slot)
	return slot, err
}

// dropSlot removes a slot whose reader has gone, but whose walsender may not have noticed yet.
func (b *bench) dropSlot(ctx context.Context, slot string) error {
	_, err := b.conn.Exec(ctx, `SELECT pg_terminate_backend(active_pid, 10000) FROM pg_replication_slots WHERE slot_name = $1 AND active`,
		slot)
	if err != nil {
		return err
	}
	_, err = b.conn.Exec(ctx, `SELECT pg_drop_replication_slot($1)`, slot)
	return err
}

// backlog is events that wait in a slot.
type backlog struct {
	workload

	slot      string
	first     int64          // number of the first event
	end       string         // LSN behind the last commit
	committed []oracle.Event // what the outbox holds
}

// fillBacklog empties the outbox and fills it behind a new slot.
func (b *bench) fillBacklog(ctx context.Context, w workload) (backlog, error) {
	l := backlog{workload: w, first: b.claim(w.rows)}
	if _, err := b.conn.Exec(ctx, `TRUNCATE outbox`); err != nil {
		return l, err
	}
	var err error
	if l.slot, err = b.createSlot(ctx, "backlog"); err != nil {
		return l, err
	}
	b.say("filling the outbox: %d rows in transactions of %d", l.rows, w.perTx)
	if err := b.fill(ctx, l); err != nil {
		return l, err
	}
	// The reader's end is before this checkpoint's records, so that it needs no more traffic to get there.
	if err := b.conn.QueryRow(ctx, `SELECT pg_current_wal_insert_lsn()::text`).Scan(&l.end); err != nil {
		return l, err
	}
	if _, err = b.conn.Exec(ctx, `CHECKPOINT`); err != nil {
		return l, err
	}
	l.committed, err = oracle.Committed(ctx, b.conn, "outbox")
	return l, err
}

// fill inserts the events. It does not wait for each commit to be written, which other parts must: a walsender sends
// what is written, and the WAL writer comes only every 200 ms.
//
// Small transactions spend most of their time on planning the INSERT if it is not planned once for all.
func (b *bench) fill(ctx context.Context, l backlog) error {
	for _, sql := range []string{
		`SET synchronous_commit = off`,
		`SET plan_cache_mode = force_generic_plan`,
		fmt.Sprintf(`CALL fill(%d, %d, %d, %d, %d)`, l.first, l.first+l.rows-1, l.perTx, l.payload, l.topics),
		`RESET plan_cache_mode`,
		`RESET synchronous_commit`,
	} {
		if _, err := b.conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}
