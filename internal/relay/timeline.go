package relay

import (
	"context"
	"errors"

	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/record"
	"github.com/walpost/walpost/internal/replication"
)

// follow goes over to a new timeline after a failover. LSNs up to the switch point
// mean the same on both; from there on the new timeline has other transactions, and
// what was published from the old one may not exist any more.
func (r *Relay) follow(ctx context.Context, s *replication.Session) {
	log := r.log.With(zap.Int32("before", r.timeline), zap.Int32("now", s.Timeline))
	r.pipeline.tracker.RestartOnNewTimeline(s.Slot.Confirmed)
	r.reported = 0
	r.pipeline.open = false
	point, err := s.SwitchPoint(ctx, r.timeline)
	if err != nil {
		r.pipeline.read = record.Position{}
		log.Warn("Postgres is on a new timeline after a failover, and its history cannot be read: reading from the slot's position, events may repeat", zap.Error(err))
		return
	}
	last := r.pipeline.read
	phantoms := r.pipeline.cut(point)
	if phantoms == 0 {
		log.Info("Postgres is on a new timeline after a failover: going on at the switch point", zap.Stringer("switch_point", point))
		return
	}
	r.seen.failed(errors.New("events were published that the new timeline does not have"))
	log.Error("events were published that were committed beyond the point where the new timeline begins: they do not exist in Postgres any more. "+
		"A failover slot with synchronized_standby_slots prevents this", zap.Uint64("possible_phantoms", phantoms),
		zap.Stringer("switch_point", point), zap.String("up_to_position", last.String()))
}

// marks remembers which event was the first of each of the last transactions.
type marks struct {
	ring [1024]mark
	next int // written so far
}

type mark struct {
	commit pgoutput.LSN
	event  uint64
}

func (m *marks) note(commit pgoutput.LSN, event uint64) {
	m.ring[m.next%len(m.ring)] = mark{commit, event}
	m.next++
}

// from gives the first event of a transaction that committed at or after the LSN,
// 0 when there is none. Of what is older than the ring it knows nothing.
func (m *marks) from(lsn pgoutput.LSN) (event uint64) {
	for i := range min(m.next, len(m.ring)) {
		x := m.ring[(m.next-1-i)%len(m.ring)]
		if x.commit < lsn {
			break
		}
		event = x.event
	}
	return event
}

// cut takes the position back to the point where a new timeline begins, and counts
// the events read beyond it.
func (p *pipeline) cut(point pgoutput.LSN) (beyond uint64) {
	if p.read.CommitLSN < point {
		return 0
	}
	p.read = record.Position{CommitLSN: point}
	if first := p.marks.from(point); first > 0 {
		beyond = p.events.Load() - first + 1
	}
	return beyond
}
