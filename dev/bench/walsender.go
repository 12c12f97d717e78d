package main

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/dev/devstack"
)

// walsender is the process of Postgres that reads a slot.
type walsender struct {
	pid     int
	started time.Time
}

// awaitWalsender returns the walsender of a slot as soon as it streams; c is the program that is about to read it.
func (b *bench) awaitWalsender(ctx context.Context, slot string, c *child) (walsender, error) {
	const patience, every = 2 * time.Minute, 2 * time.Millisecond // Kafka Connect needs long on a busy machine
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errors.New("nobody reads the slot "+slot))
	defer cancel()
	var w walsender
	err := devstack.Poll(ctx, every, func() (bool, error) {
		if err := c.ended(); err != nil {
			return false, err
		}
		err := b.conn.QueryRow(ctx, `SELECT r.pid, r.backend_start
			FROM pg_replication_slots s JOIN pg_stat_replication r ON r.pid = s.active_pid
			WHERE s.slot_name = $1`, slot).Scan(&w.pid, &w.started)
		if errors.Is(err, pgx.ErrNoRows) {
			return false, nil
		}
		return err == nil, err
	})
	return w, err
}

// confirmed reports whether a slot is confirmed up to an LSN.
func (b *bench) confirmed(ctx context.Context, slot, lsn string) (bool, error) {
	var yes bool
	err := b.conn.QueryRow(ctx, `SELECT confirmed_flush_lsn >= $2::text::pg_lsn FROM pg_replication_slots WHERE slot_name = $1`,
		slot, lsn).Scan(&yes)
	return yes, err
}

// awaitFree waits until the walsender of a program that has ended is gone too: a relay that finds it stands by.
func (b *bench) awaitFree(ctx context.Context, slot string) error {
	const every = 2 * time.Millisecond
	return devstack.Poll(ctx, every, func() (bool, error) {
		var free bool
		err := b.conn.QueryRow(ctx, `SELECT NOT active FROM pg_replication_slots WHERE slot_name = $1`, slot).Scan(&free)
		return free, err
	})
}
