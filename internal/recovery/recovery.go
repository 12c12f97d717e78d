// Package recovery publishes from the outbox table what a lost slot cannot give
// any more, publishes again what is asked for, and compares the table with the
// topics.
//
// It knows the catalogue, the table's rows, a slot with its snapshot, and what is
// in the topics. It must not know the command line. It keeps no state on disk: a
// recovery that is interrupted, however, leaves the slot as it was and at most a
// slot <slot>_recover, which the next one removes before it starts anew.
package recovery

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/kafka"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/postgres/provision"
	"github.com/walpost/walpost/internal/status"
	"github.com/walpost/walpost/internal/wiring"
)

// Options says what to recover.
type Options struct {
	Config *config.Config
	Rows   Selection
	Force  bool // also where the slot looks healthy
	// StampNow gives each record the time of publishing instead of outbox.timestamp.
	StampNow bool
	Log      *zap.Logger
}

// Recovery is one recovery of one slot. Open it, look at its plan, run it.
type Recovery struct {
	Options
	target postgres.Target
	idle   time.Duration // idle_replication_slot_timeout of the server; 0: none
	conn   *pgx.Conn     // for the catalogue, the swap, and the lock that keeps a second recovery away
}

// Open connects and makes sure that no other recovery of the slot is at work.
func Open(ctx context.Context, o Options) (*Recovery, error) {
	r := &Recovery{Options: o, target: wiring.Target(o.Config)}
	err := needsTable(o.Config, beginAnew(o.Config))
	if err != nil {
		return nil, err
	}
	if r.conn, err = r.target.Connect(ctx); err != nil {
		return nil, err
	}
	r.target = r.target.Near(r.conn.PgConn())
	if err := r.lock(ctx); err != nil {
		r.Close(ctx)
		return nil, err
	}
	return r, nil
}

// needsTable refuses a configuration without one, and says what there is instead.
func needsTable(cfg *config.Config, hint string) error {
	if !cfg.Outbox.Messages() {
		return nil
	}
	return &status.Halt{
		Code: status.ExitRequirement, Reason: "there is no table to read: outbox.source is message, whose events are only in the WAL",
		Hint: hint,
	}
}

func beginAnew(cfg *config.Config) string {
	return "a slot that is lost or missing begins anew with `walpost drop -c " + cfg.File + "` and `walpost init -c " + cfg.File + "`; what was in it cannot be published again"
}

// Close gives the lock back and hangs up. It changes nothing.
func (r *Recovery) Close(ctx context.Context) {
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	// Else the server gives it back when it notices that the connection is gone,
	// and the next recovery may come before that.
	_, _ = r.conn.Exec(limited, "SELECT pg_advisory_unlock_all()")
	postgres.HangUp(ctx, r.conn)
}

const lockQuery = `
WITH key AS (SELECT hashtextextended('walpost recover ' || $1, 0) AS k)
SELECT pg_try_advisory_lock(k), (SELECT max(pid) FROM pg_locks
    WHERE locktype = 'advisory' AND objsubid = 1 AND (classid::bigint << 32) | objid::bigint = k)
FROM key`

// lock takes an advisory lock, which ends with the connection.
func (r *Recovery) lock(ctx context.Context) error {
	var locked bool
	var holder *int
	if err := r.conn.QueryRow(ctx, lockQuery, r.Config.Postgres.Slot).Scan(&locked, &holder); err != nil {
		return postgres.Classify("lock the recovery", err)
	}
	if locked {
		return nil
	}
	who := "another backend"
	if holder != nil {
		who = fmt.Sprintf("backend %d", *holder)
	}
	return &status.Halt{
		Code: status.ExitRequirement, Reason: "another recovery of this slot is running", Detail: who + " has its lock",
		Hint: "wait for it to end",
	}
}

// Stage is a point of a recovery that it has reached. Killed at any of them, the
// slot is as it was, or gone between Dropped and Copied: a relay halts, and the
// next recovery starts anew.
type Stage int

// The stages, in order.
const (
	Begun      Stage = iota // Kafka answers, and there is a publication
	Created                 // the new slot is there, under its temporary name
	Publishing              // a chunk of rows was read
	Published               // Kafka has acknowledged everything
	Dropped                 // the old slot is gone
	Copied                  // the new slot has its name
	Finished                // and the temporary name is gone
)

// Result is what a recovery has done.
type Result struct {
	Rows         int64  // read from the table, or records from a topic
	DeadLetters  int64  // of these, gone to a dead-letter topic
	Skipped      int64  // of these, left out by delivery.on_reject: skip
	Acknowledged int64  // of these, Kafka has them and all before them
	StreamsFrom  string // what committed after this LSN is streamed
}

// Run does what the plan says. report hears each stage, Publishing again and
// again; the figures are those of that moment.
func (r *Recovery) Run(ctx context.Context, plan *Plan, report func(Stage, Result)) (Result, error) {
	if plan.OnlyLeftover {
		return Result{}, r.dropLeftover(ctx)
	}
	if err := r.prepare(ctx, plan); err != nil {
		return Result{}, err
	}
	report(Begun, Result{})
	snapshot, err := r.createSlot(ctx)
	if err != nil {
		return Result{}, err
	}
	defer snapshot.close(ctx)
	result := Result{StreamsFrom: snapshot.point.String()}
	report(Created, result)
	kept := r.keep(ctx)
	err = r.publish(ctx, &plan.query, snapshot, &result, report)
	kept()
	if err != nil {
		r.discard(ctx)
		return result, err
	}
	snapshot.close(ctx)
	report(Published, result)
	if err := r.swap(ctx, snapshot.point, func(s Stage) { report(s, result) }); err != nil {
		return result, err
	}
	report(Finished, result)
	return result, nil
}

// prepare does what must come before the slot: Kafka has to answer, or the slot
// would keep WAL for nobody; and decoding looks the publication up as of the WAL
// it reads.
func (r *Recovery) prepare(ctx context.Context, plan *Plan) error {
	client, err := kafka.Connect(ctx, wiring.Kafka(r.Config))
	if err != nil {
		return err
	}
	client.Close()
	if err := r.dropLeftover(ctx); err != nil {
		return err
	}
	if plan.CreatePublication {
		_, err = provision.CreatePublication(ctx, r.conn, r.Config.Postgres.Publication, wiring.Table(r.Config), wiring.Columns(r.Config), "") // there was a slot
	}
	return err
}
