package relay

import (
	"context"
	"errors"

	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/record"
	"github.com/walpost/walpost/internal/replication"
)

// followTimeline continues on a new timeline after a failover. Up to the switch point LSNs
// mean the same on both timelines. Beyond it the new timeline has other transactions, and
// what was published from the old one may not exist any more.
func (l *loop) followTimeline(ctx context.Context, s *replication.Session) {
	log := l.log.With(zap.Int32("before", l.identity.timeline), zap.Int32("now", s.Timeline))
	l.pipeline.tracker.RestartOnNewTimeline(s.Slot.Confirmed)
	l.identity.reported = 0
	l.pipeline.open = false
	point, err := s.SwitchPoint(ctx, l.identity.timeline)
	if err != nil {
		l.pipeline.read = record.Position{}
		log.Warn("Postgres is on a new timeline after a failover, and its history cannot be read: "+
			"reading from the slot's position, events may repeat", zap.Error(err))
		return
	}
	last := l.pipeline.read
	phantoms := l.pipeline.rewindTo(point)
	if phantoms == 0 {
		log.Info("Postgres is on a new timeline after a failover: going on at the switch point", zap.Stringer("switch_point", point))
		return
	}
	l.seen.Failed(errors.New("events were published that the new timeline does not have"))
	log.Error("events were published that were committed beyond the point where the new timeline begins: "+
		"they do not exist in Postgres any more. A failover slot with synchronized_standby_slots prevents this",
		zap.Uint64("possible_phantoms", phantoms), zap.Stringer("switch_point", point), zap.String("up_to_position", last.String()))
}

// rewindTo takes the position back to the point where a new timeline begins, and counts
// the events read beyond it.
func (p *pipeline) rewindTo(point pgoutput.LSN) (beyond uint64) {
	if p.read.CommitLSN < point {
		return 0
	}
	p.read = record.Position{CommitLSN: point}
	if first := p.recent.From(point); first > 0 {
		beyond = p.stats.events.Load() - first + 1
	}
	return beyond
}
