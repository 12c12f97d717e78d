// Package recover answers how a slot begins behind rows that the table has: it creates a new
// slot, publishes from the outbox table what may be missing up to where that slot begins, and
// gives the new slot the name of the old one. At a first start there is no old one.
//
// It knows the catalogue, the slot with its snapshot, and the table. It must not know the
// relay, nor flags. It keeps no state on disk: an interrupted recovery leaves the slot as
// it was and at most a slot <slot>_recover, which the next one removes before it starts
// anew.
package recover

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/kafka"
	"github.com/walpost/walpost/internal/outboxtable"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/postgres/provision"
	"github.com/walpost/walpost/internal/record"
	"github.com/walpost/walpost/internal/republish"
	"github.com/walpost/walpost/internal/wiring"
)

// Options says what to recover, and how.
type Options struct {
	Config *config.Config
	Rows   Selection
	First  bool // there was no slot before: the rows are those of a first start
	Force  bool // also where the slot looks healthy
	// StampNow stamps each record with the time of publishing instead of outbox.timestamp.
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
	err := outboxtable.Require(o.Config, r.withoutTable())
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

func (r *Recovery) withoutTable() string {
	return fmt.Sprintf("a slot that is lost or missing begins anew with `walpost drop -c %[1]s` and `walpost init -c %[1]s`; "+
		"what was in it cannot be published again", r.Config.File)
}

// command is what is typed to begin anew.
func (r *Recovery) command() string {
	if r.First {
		return "init --publish-existing"
	}
	return "recover"
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

// Run does what the plan says. report hears each stage, Publishing again and
// again; the figures are those of that moment.
func (r *Recovery) Run(ctx context.Context, plan *Plan, report func(Stage, Result)) (Result, error) {
	if plan.OnlyLeftover {
		return Result{}, r.dropLeftover(ctx)
	}
	if plan.OnlyEnd {
		return Result{StreamsFrom: plan.point.String()}, r.end(ctx, plan.point, func(Stage) {})
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
	result.Result, err = r.publish(ctx, plan, snapshot, func(done republish.Result) {
		result.Result = done
		report(Publishing, result)
	})
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
	if err := r.end(ctx, snapshot.point, func(s Stage) { report(s, result) }); err != nil {
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
		cfg, mark := r.Config, ""
		if r.First {
			mark = catalog.PublishingComment(cfg.Postgres.Slot)
		}
		_, err = provision.CreatePublication(ctx, r.conn, cfg.Postgres.Publication, wiring.Table(cfg), wiring.Columns(cfg), mark)
	} else if r.First {
		err = r.mark(ctx, catalog.PublishingComment)
	}
	return err
}

// mark says on the publication how far a first start is.
func (r *Recovery) mark(ctx context.Context, comment func(slot string) string) error {
	p := r.Config.Postgres
	return provision.MarkPublication(ctx, r.conn, p.Publication, p.Slot, comment(p.Slot))
}

// publish brings the rows of the snapshot to Kafka and waits until it has acknowledged all
// of them.
func (r *Recovery) publish(ctx context.Context, plan *Plan, s *snapshot, report func(republish.Result)) (republish.Result, error) {
	p, err := republish.New(ctx, republish.Options{
		Config: r.Config, Mapping: wiring.Mapping(r.Config), Command: r.command(), Log: r.Log, StampNow: r.StampNow,
		// A transaction that was open when the slot was made may commit exactly at the
		// consistent point, and would share (consistent point, 1) with the first row of
		// the table. Commit records are aligned: no transaction is at the byte before.
		After: record.Position{CommitLSN: s.point - 1},
	})
	if err != nil {
		return republish.Result{}, err
	}
	defer p.Close()
	err = p.Rows(ctx, s.conn, r.conn, plan.query, report)
	return p.Result(), err
}
