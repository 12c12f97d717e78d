package relay

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/backoff"
	"github.com/walpost/walpost/internal/lograte"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/status"
)

const (
	minPause    = 100 * time.Millisecond
	maxPause    = 5 * time.Second
	minStandby  = 50 * time.Millisecond
	standbyPoll = time.Second // how often a standby checks whether the slot is free, after the first, quicker checks
)

// outage is a time in which Postgres is unavailable, or ends each stream.
type outage struct {
	attempts int       // failed attempts to connect since the last success
	since    time.Time // of the first of them
	lines    lograte.Line
	logged   bool // whether the outage was logged
}

// pause counts an attempt that failed, and returns how long to wait until the next.
func (o *outage) pause() time.Duration {
	if o.attempts == 0 {
		o.since, o.lines = time.Now(), lograte.Line{}
	}
	o.attempts++
	return backoff.Exponential{Min: minPause, Max: maxPause, Jitter: backoff.Around}.Pause(o.attempts)
}

// end logs that Postgres is available again, if the outage was logged.
func (o *outage) end(log *zap.Logger) {
	if o.logged {
		o.logged = false
		log.Info("Postgres is available again", zap.Duration("after", time.Since(o.since).Round(time.Millisecond)),
			zap.Int("attempts", o.attempts))
	}
}

// standby is a time in which another connection has the slot.
type standby struct {
	seen     bool
	attempts int
}

func (s *standby) pause() time.Duration {
	s.seen = true
	s.attempts++
	return min(backoff.Exponential{Min: minStandby, Max: standbyPoll, Jitter: backoff.Around}.Pause(s.attempts), standbyPoll)
}

// backOff sleeps before the next attempt to connect, as long as what ended the last
// one asks for. It returns an error only if the relay must end.
func (l *loop) backOff(ctx context.Context, stop <-chan struct{}, err error) error {
	if isClosed(stop) && l.settled() {
		return nil
	}
	if errors.Is(err, errHibernate) {
		return l.hibernate(ctx, stop)
	}
	pause := l.outage.pause()
	if postgres.KindOf(err) == postgres.SlotActive {
		l.outage.attempts = 0
		pause = l.standby.pause()
		l.state.Set(status.Standby, err.Error(), "")
		if l.pipeline.resumed { // whoever has the slot now may have fenced this process, which then ends
			l.producer.Probe()
		}
	} else {
		l.noConnection(err, pause)
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-stop:
		if l.settled() {
			return nil
		}
		select { // what was read must still be confirmed
		case <-ctx.Done():
		case <-timer.C:
		}
	}
	return context.Cause(ctx)
}

// noConnection logs a lost or refused connection: at once, then rarely.
func (l *loop) noConnection(err error, pause time.Duration) {
	reason := "no connection"
	if err != nil {
		reason = err.Error()
		l.seen.Failed(err)
	}
	l.state.Set(status.Connecting, reason, "")
	if !l.outage.lines.Allow() {
		return
	}
	l.outage.logged = true
	message := "Postgres is unavailable, connecting again"
	if l.trial.on {
		message = "Postgres cannot continue the stream, connecting again"
	}
	l.log.Warn(message, zap.String("error", reason),
		zap.Int("attempt", l.outage.attempts), zap.Duration("next_in", pause.Round(time.Millisecond)))
}
