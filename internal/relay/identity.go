package relay

import (
	"context"
	"fmt"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/position"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/replication"
	"github.com/walpost/walpost/internal/status"
)

// verifyIdentity compares server, slot and timeline with what this process knows of them.
func (l *loop) verifyIdentity(ctx context.Context, s *replication.Session) error {
	known, slot := &l.identity, l.opts.Objects.Slot
	switch {
	case known.system != "" && s.SystemID != known.system:
		return &status.Halt{
			Code: status.ExitHalted, Reason: "another Postgres cluster answers under this address",
			Detail: fmt.Sprintf("its system identifier is %s, it was %s", s.SystemID, known.system),
			Hint:   "check which server postgres.url leads to; if this cluster is intended, start walpost again",
		}
	case s.Standby: // in a failover the address may lead here before the promotion
		return &postgres.Error{
			Kind: postgres.Standby, Op: "connect to " + s.Near().Address(), Text: "this server is a standby",
			Hint: "waiting for its promotion; postgres.url must lead to the primary",
		}
	case !s.Slot.Exists:
		return &status.Halt{
			Code: status.ExitHalted, Reason: fmt.Sprintf("slot %q does not exist any more", slot),
			Detail: "what was committed since it went is not in it",
			Hint:   l.opts.Hints.Recover(),
		}
	case s.Slot.Active && s.Slot.Confirmed > known.reported: // another relay took over while this one was frozen or cut off
		l.standby.seen = true
	case known.timeline == s.Timeline && known.reported > 0 && s.Slot.Confirmed > known.reported && !l.standby.seen &&
		!l.resumer.Explains(s.Slot.Confirmed, l.producer.Written):
		return &status.Halt{
			Code: status.ExitHalted, Reason: fmt.Sprintf("slot %q was advanced by another client", slot),
			Detail: fmt.Sprintf("it is confirmed up to %s, and this process confirmed %s. Events in between may be missing in Kafka. "+
				"They are not if another relay took over and has ended since: Postgres does not record who confirmed them",
				s.Slot.Confirmed, known.reported),
			Hint: l.opts.Hints.Recover() + "; or start walpost again to continue from the slot as it is",
		}
	}
	if known.timeline != 0 && s.Timeline != known.timeline {
		if err := l.followTimeline(ctx, s); err != nil {
			return err
		}
	} else {
		l.pipeline.tracker.Restart(s.Slot.Confirmed)
	}
	if l.resumer != nil {
		l.resumer.Connected(position.Slot{
			Name: slot, System: s.SystemID, Timeline: s.Timeline, Confirmed: s.Slot.Confirmed, Flushed: s.Flushed,
			SwitchPoint: func(ctx context.Context, before int32) (point pgoutput.LSN, unrelated, err error) {
				return replication.FindSwitchPoint(ctx, l.opts.Target, slot, before)
			},
		})
	}
	known.system, known.timeline, known.confirmed = s.SystemID, s.Timeline, s.Slot.Confirmed
	return nil
}
