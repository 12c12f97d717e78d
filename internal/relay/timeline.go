package relay

import (
	"context"
	"errors"
	"fmt"

	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/record"
	"github.com/walpost/walpost/internal/replication"
	"github.com/walpost/walpost/internal/status"
)

// followTimeline continues on a new timeline after a failover. Up to the switch point LSNs mean the same on both timelines. Beyond it
// the new timeline has other transactions, and what was published from the old one may not exist any more. After an error that may
// pass nothing has changed: the next session asks again.
func (l *loop) followTimeline(ctx context.Context, s *replication.Session) error {
	log := l.log.With(zap.Int32("before", l.identity.timeline), zap.Int32("now", s.Timeline))
	point, unrelated, err := s.SwitchPoint(ctx, l.identity.timeline)
	if err != nil {
		return err
	}
	l.pipeline.tracker.RestartOnNewTimeline(s.Slot.Confirmed)
	l.identity.reported = 0
	l.pipeline.open = false
	switch exactly := l.resumer != nil; {
	case exactly && (unrelated != nil || l.pipeline.read.CommitLSN >= point):
		return lostBeyond(s.Timeline, point, unrelated)
	case exactly:
		l.producer.Rewind(point)
	case unrelated != nil:
		l.pipeline.read = record.Position{}
		log.Warn("Postgres is on a new timeline after a failover, and its history cannot be read: "+
			"reading from the slot's position, events may repeat", zap.Error(unrelated))
		return nil
	}
	last := l.pipeline.read
	phantoms := l.pipeline.rewindTo(point)
	if phantoms == 0 {
		log.Info("Postgres is on a new timeline after a failover: going on at the switch point", zap.Stringer("switch_point", point))
		return nil
	}
	l.seen.Failed(errors.New("events were published that the new timeline does not have"))
	log.Error("events were published that were committed beyond the point where the new timeline begins: "+
		"they do not exist in Postgres any more. A failover slot with synchronized_standby_slots prevents this",
		zap.Uint64("possible_phantoms", phantoms), zap.Stringer("switch_point", point), zap.String("up_to_position", last.String()))
	return nil
}

// lostBeyond is the halt of a relay with exactly_once on a new timeline that does not have all that it has read. At the next start the
// position in Kafka decides: what was read may not have been published.
func lostBeyond(timeline int32, point pgoutput.LSN, unrelated error) *status.Halt {
	h := &status.Halt{
		Code: status.ExitHalted, Reason: "events were read that the server does not have",
		Detail: fmt.Sprintf("its timeline %d begins at %s, before the last of them", timeline, point),
		Hint:   "start walpost again: it compares the position in Kafka with the server, and says how to go on if events were published",
	}
	if unrelated != nil {
		h.Reason, h.Detail = "the server is on another timeline, and its history cannot be read", unrelated.Error()
	}
	return h
}

// rewindTo takes the position back to the point where a new timeline begins, and counts the events read beyond it.
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
