package position

import (
	"context"
	"fmt"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/record"
)

// Slot is what a position is compared with.
type Slot struct {
	Name      string
	System    string
	Timeline  int32
	Source    string       // the table, or the prefix of messages
	Confirmed pgoutput.LSN // confirmed_flush_lsn
	Flushed   pgoutput.LSN // how far the server's WAL is written
	// SwitchPoint returns where the server's timeline branched off an earlier one. unrelated
	// says why the server knows of no such point; an error, that it could not be asked.
	SwitchPoint func(ctx context.Context, timeline int32) (point pgoutput.LSN, unrelated, err error)
}

// First returns the position of a slot from which nothing was published: what it brings
// next is the first event.
func (s Slot) First(host string) Position {
	return Position{
		Event: record.Position{CommitLSN: s.Confirmed}, Complete: s.Confirmed,
		System: s.System, Timeline: s.Timeline, Slot: s.Name, Source: s.Source, Host: host,
	}
}

// MisfitError is a position from which nobody can go on without a decision.
type MisfitError struct {
	Reason string // in a few words
	Detail string
	SetTo  pgoutput.LSN // a position that neither loses nor repeats what the server has; 0: an operator must find one
}

func (e *MisfitError) Error() string { return e.Reason + ": " + e.Detail }

// Judge returns where to go on with the slot after the position whose value stands in
// Kafka, nil for none. A *MisfitError says why an operator must decide; another error, that
// the server could not be asked.
func (s Slot) Judge(ctx context.Context, value []byte) (Position, error) {
	if len(value) == 0 {
		return Position{}, &MisfitError{Reason: "there is no position of the slot in Kafka", Detail: fmt.Sprintf(
			"slot %q is confirmed up to %s. Without a position nobody knows which events after it were published", s.Name, s.Confirmed)}
	}
	p, err := Parse(value)
	switch {
	case err != nil:
		return Position{}, &MisfitError{Reason: "the position in Kafka cannot be read", Detail: err.Error()}
	case p.System != s.System:
		return Position{}, &MisfitError{Reason: "the position in Kafka is of another Postgres cluster", Detail: fmt.Sprintf(
			"its system identifier is %s, the server's is %s", p.System, s.System)}
	case s.Confirmed > p.Complete && p.Timeline == s.Timeline:
		return Position{}, &MisfitError{Reason: "the slot was advanced by somebody else", Detail: fmt.Sprintf(
			"it is confirmed up to %s, and the position in Kafka ends at %s: events in between may be missing", s.Confirmed, p.Complete)}
	case p.Event.CommitLSN > s.Flushed && p.Timeline == s.Timeline:
		return Position{}, &MisfitError{Reason: "events were published that the server does not have", Detail: fmt.Sprintf(
			"the position in Kafka is %s, and the server's WAL ends at %s: an earlier state of it was restored",
			p.Event.CommitLSN, s.Flushed)}
	case p.Source != s.Source && p.Slot != s.Name:
		return Position{}, &MisfitError{Reason: "the position in Kafka is of another relay", Detail: fmt.Sprintf(
			"slot %q with %s wrote it, and this is slot %q with %s: each needs its own delivery.transactional_id",
			p.Slot, p.Source, s.Name, s.Source)}
	case p.Source != s.Source && p.Event.Ordinal > 0 && p.Complete <= p.Event.CommitLSN:
		return Position{}, &MisfitError{
			Reason: "the position in Kafka is in the middle of a transaction of another outbox", Detail: fmt.Sprintf(
				"it counts events of %s, and the configuration has %s: publish the rest with the former configuration first",
				p.Source, s.Source),
		}
	case p.Timeline != s.Timeline:
		return s.onNewTimeline(ctx, p)
	default:
		return p, nil
	}
}

// onNewTimeline judges a position of an earlier timeline. Up to the switch point LSNs mean
// the same on both.
func (s Slot) onNewTimeline(ctx context.Context, p Position) (Position, error) {
	point, unrelated, err := s.SwitchPoint(ctx, p.Timeline)
	if err != nil {
		return Position{}, err
	}
	if unrelated != nil {
		return Position{}, &MisfitError{Reason: "the position in Kafka is of another timeline", Detail: fmt.Sprintf(
			"it is of timeline %d, the server is on %d, and its history does not lead there: %v", p.Timeline, s.Timeline, unrelated)}
	}
	if p.Event.CommitLSN >= point {
		return Position{}, &MisfitError{Reason: "events were published that the server does not have", Detail: fmt.Sprintf(
			"the position in Kafka, %s on timeline %d, lies beyond %s, where timeline %d begins",
			p.Event.CommitLSN, p.Timeline, point, s.Timeline), SetTo: max(point, s.Confirmed)}
	}
	if s.Confirmed > point {
		return Position{}, &MisfitError{Reason: "the slot was advanced by somebody else", Detail: fmt.Sprintf(
			"it is confirmed up to %s, and the position in Kafka is of timeline %d, which ended at %s: events in between may be missing",
			s.Confirmed, p.Timeline, point)}
	}
	if p.Complete = min(p.Complete, point); s.Confirmed > p.Complete {
		p.Complete = s.Confirmed // a failover slot follows the primary a little later; before the switch point that is the same WAL
	}
	p.Timeline = s.Timeline
	return p, nil
}
