package relay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/postgres/provision"
	"github.com/walpost/walpost/internal/record"
	"github.com/walpost/walpost/internal/replication"
	"github.com/walpost/walpost/internal/status"
	"github.com/walpost/walpost/internal/wiring"
)

// A stream that ends so often, for so long, with the same error at the same place
// halts the relay: connecting again does not help.
const (
	stuckTimes = 5
	stuckFor   = 15 * time.Second
)

// youngTimes is how many streams must die young, one after the other, until the next
// is on trial whatever they died of.
const youngTimes = 3

// stuck counts the streams that ended at one place.
type stuck struct {
	place
	times int
	since time.Time
}

// place is where in the WAL a stream ended, and with what.
type place struct {
	fault   string          // SQLSTATE; the words of an error that no server gave
	read    record.Position // of the last event that was read, ever
	current record.Position // in the transaction that was read last
}

// trial is a stream that follows one which Postgres ended with a fault, or several
// that died young: whether it is any better is not known before it has brought an event, or lived for healthyFor.
type trial struct {
	on     bool
	begun  time.Time
	events uint64
}

// trialLook is how often a stream on trial is looked at.
const trialLook = 500 * time.Millisecond

// afterStream judges a stream by its end. One that died young makes the next pause
// longer, whatever it died of; one that made progress or lived for a while begins the
// pauses anew. err is what decide made of cause.
func (r *Relay) afterStream(ctx context.Context, cause, err error, before record.Position, lived time.Duration) error {
	if _, halted := errors.AsType[*status.Halt](err); halted || err == nil || errors.Is(err, errHibernate) || errors.Is(err, errLetGo) || ctx.Err() != nil {
		return err
	}
	at := r.placeOf(err)
	passing := replication.Passing(cause)
	again := !passing && r.stuck.times > 0 && r.stuck.place == at
	r.young++
	if !again && (lived >= healthyFor || r.pipeline.read != before) {
		r.failing.reset()
		r.young = 0
	}
	r.trial.on = !isConnection(cause) || r.young >= youngTimes
	if passing {
		return err
	}
	if !again {
		r.stuck = stuck{place: at, since: time.Now()}
	}
	r.stuck.times++
	if r.stuck.times < stuckTimes || time.Since(r.stuck.since) < r.stuckFor {
		return err
	}
	return r.haltStuck(ctx, err)
}

// isConnection reports whether what ended a stream says that the connection ended, and nothing of
// what was read over it.
func isConnection(cause error) bool {
	if errors.Is(cause, replication.ErrSilent) || errors.Is(cause, replication.ErrEnded) {
		return true
	}
	switch postgres.KindOf(postgres.Classify("stream", cause)) {
	case postgres.Lost, postgres.Unreachable, postgres.SlotActive, postgres.Canceled, postgres.Standby:
		return true
	default:
		return false
	}
}

func (r *Relay) placeOf(err error) place {
	at := place{fault: err.Error(), read: r.pipeline.read, current: r.pipeline.current}
	if e, ok := errors.AsType[*postgres.Error](err); ok && e.Code != "" {
		at.fault = e.Code
	}
	return at
}

// haltStuck is the end at a place that Postgres cannot pass. What was read before it
// is delivered, and confirmed over a connection of its own.
func (r *Relay) haltStuck(ctx context.Context, err error) error {
	halt := &status.Halt{
		Code: status.ExitHalted, Reason: "Postgres fails at the same place of the WAL again and again",
		Detail: fmt.Sprintf("%v; %d times in %s, %s", err, r.stuck.times, time.Since(r.stuck.since).Round(time.Second), r.pipeline.where(r.reported)),
		Hint:   r.stuckHint(),
	}
	r.deliver(ctx)
	if err := r.confirmStuck(ctx); err != nil {
		r.log.Warn("what is in Kafka could not be confirmed: it may come again", zap.Error(err))
	}
	return halt
}

func (r *Relay) stuckHint() string {
	if r.cfg.Outbox.Messages() {
		return "the WAL stays as it was written: " + wiring.HintsOf(r.cfg).Recover()
	}
	table, which := wiring.Table(r.cfg), ""
	if p := r.pipeline; p.inside {
		which = fmt.Sprintf(" (SELECT ctid FROM %s WHERE xmin::text = '%d' finds those of the transaction, but for savepoints)", table, p.xid)
	}
	return fmt.Sprintf("the WAL keeps a row as it was written, so fix it in %s by UPDATE, or DELETE it%s, then `walpost recover -c %s --force` "+
		"creates a new slot behind it and publishes from the table what is missing", table, which, r.cfg.File)
}

// confirmStuck confirms what the streams that died could not: a status that was sent
// may not have been taken.
func (r *Relay) confirmStuck(ctx context.Context) error {
	lsn, _ := r.pipeline.Confirmed()
	if lsn <= r.found {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, finishTimeout)
	defer cancel()
	conn, err := r.target.SQL(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // what it was for is done
	if err := provision.ConfirmSlot(ctx, conn, r.cfg.Postgres.Slot, lsn); err != nil {
		return err
	}
	r.reported = max(r.reported, lsn)
	return nil
}

// where says in words what was read last.
func (p *pipeline) where(confirmed pgoutput.LSN) string {
	last := p.current.CommitLSN
	switch {
	case p.inside:
		return fmt.Sprintf("in transaction %d (commit LSN %s), after %d of its events", p.xid, last, p.current.Ordinal)
	case last > confirmed:
		return fmt.Sprintf("after the transaction with commit LSN %s", last)
	default:
		return fmt.Sprintf("after LSN %s", confirmed)
	}
}

// begin starts the trial of a stream, if it is on trial.
func (t *trial) begin(events uint64) { t.begun, t.events = time.Now(), events }

// passed reports whether a stream is no longer on trial; the state is Streaming then.
func (r *Relay) passed() bool {
	t := &r.trial
	if t.on && (r.pipeline.events.Load() > t.events || time.Since(t.begun) >= healthyFor) {
		t.on = false
		r.state.swap(status.Streaming, "", status.Connecting)
		r.thereAgain()
	}
	return !t.on
}

// thereAgain ends what failed has said.
func (r *Relay) thereAgain() {
	if !r.away {
		return
	}
	r.away = false
	r.log.Info("Postgres is there again", zap.Duration("after", time.Since(r.failing.since).Round(time.Millisecond)), zap.Int("attempts", r.failing.attempts))
}
