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
)

// The relay halts when its streams have ended so often, and for so long, with the same
// error at the same point: connecting again does not help.
const (
	stuckTimes = 5
	stuckFor   = 15 * time.Second
)

// shortStreams is how many consecutive streams must end soon after they began, for whatever
// reason, until the next one is on trial.
const shortStreams = 3

// failures counts the streams that ended at one point.
type failures struct {
	at    failurePoint
	times int
	since time.Time
}

// failurePoint is where in the WAL a stream ended, and with what.
type failurePoint struct {
	fault   string          // SQLSTATE, or the text of an error that is not from the server
	read    record.Position // of the last event that was read, ever
	current record.Position // in the transaction that was read last
}

// trial is a stream that follows one which Postgres ended with a fault, or several that
// ended soon. It counts as better than those once it has brought an event, or has lasted
// for healthyFor.
type trial struct {
	on     bool
	begun  time.Time
	events uint64
}

// trialCheck is how often a stream on trial is checked.
const trialCheck = 500 * time.Millisecond

// afterStream evaluates how a stream ended. One that ended soon makes the next pause
// longer, whatever ended it. One that made progress or lasted for a while resets the
// pauses. err is what classify made of cause.
func (l *loop) afterStream(ctx context.Context, cause, err error, before record.Position, lived time.Duration) error {
	if isDecided(ctx, err) {
		return err
	}
	at := l.failurePoint(err)
	passing := replication.Passing(cause)
	again := !passing && l.failures.times > 0 && l.failures.at == at
	l.short++
	if !again && (lived >= healthyFor || l.pipeline.read != before) {
		l.outage.attempts = 0
		l.short = 0
	}
	l.trial.on = !isConnection(cause) || l.short >= shortStreams
	if passing {
		return err
	}
	if !again {
		l.failures = failures{at: at, since: time.Now()}
	}
	l.failures.times++
	if l.failures.times < stuckTimes || time.Since(l.failures.since) < l.timing.stuckFor {
		return err
	}
	return l.haltStuck(ctx, err)
}

// isConnection reports whether a stream ended because its connection did, and not because
// of what was read over it.
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

func (l *loop) failurePoint(err error) failurePoint {
	at := failurePoint{fault: err.Error(), read: l.pipeline.read, current: l.pipeline.current}
	if e, ok := errors.AsType[*postgres.Error](err); ok && e.Code != "" {
		at.fault = e.Code
	}
	return at
}

// haltStuck halts the relay at a place that Postgres cannot pass. What was read before it
// is delivered, and confirmed over another connection.
func (l *loop) haltStuck(ctx context.Context, err error) error {
	halt := &status.Halt{
		Code: status.ExitHalted, Reason: "Postgres fails at the same place of the WAL again and again",
		Detail: fmt.Sprintf("%v; %d times in %s, %s", err, l.failures.times, time.Since(l.failures.since).Round(time.Second),
			l.pipeline.describePosition(l.identity.reported)),
		Hint: l.stuckHint(),
	}
	l.deliver(ctx)
	if err := l.confirmStuck(ctx); err != nil {
		l.log.Warn("what is in Kafka could not be confirmed: it may come again", zap.Error(err))
	}
	return halt
}

func (l *loop) stuckHint() string {
	if l.opts.messages() {
		return "the WAL stays as it was written: " + l.opts.Hints.Recover()
	}
	table, which := l.opts.Objects.Table, ""
	if p := l.pipeline; p.inside {
		which = fmt.Sprintf(" (SELECT ctid FROM %s WHERE xmin::text = '%d' finds those of the transaction, but for savepoints)", table,
			p.xid)
	}
	return fmt.Sprintf("the WAL keeps a row as it was written, so fix it in %s by UPDATE, or DELETE it%s, "+
		"then `walpost recover -c %s --force` creates a new slot behind it and publishes from the table what is missing",
		table, which, l.opts.Hints.File)
}

// confirmStuck confirms what was delivered: the server may not have processed the last
// status of the streams that ended.
func (l *loop) confirmStuck(ctx context.Context) error {
	lsn, _ := l.pipeline.Confirmed()
	if lsn <= l.identity.confirmed {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, finishTimeout)
	defer cancel()
	conn, err := l.opts.Target.SQL(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // what it was for is done
	if err := provision.ConfirmSlot(ctx, conn, l.opts.Objects.Slot, lsn); err != nil {
		return err
	}
	l.identity.reported = max(l.identity.reported, lsn)
	return nil
}

// describePosition says in words what was read last.
func (p *pipeline) describePosition(confirmed pgoutput.LSN) string {
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

// begin starts the trial, if the stream is on trial.
func (t *trial) begin(events uint64) { t.begun, t.events = time.Now(), events }

// passed reports whether the stream has shown that it is better than the one before.
func (t *trial) passed(events uint64) bool {
	return events > t.events || time.Since(t.begun) >= healthyFor
}
