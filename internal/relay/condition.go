package relay

import (
	"fmt"
	"time"

	"github.com/walpost/walpost/internal/postgres/provision"
	"github.com/walpost/walpost/internal/status"
	"github.com/walpost/walpost/internal/wiring"
)

const (
	patience    = time.Minute      // what an event may wait: beyond it there is no_progress, or lagging
	rejectedFor = 15 * time.Minute // how long a rejected record stays a condition
)

// conditions judges a report. Where the state does not say since when, it is
// since a report saw it first.
func (r *Relay) conditions(rep *status.Report) []status.Condition {
	found := findings{hints: wiring.HintsOf(r.cfg), found: map[string]status.Condition{}}
	r.stateConditions(rep, &found)
	if rep.State != status.HaltedState && rep.State != status.Stopped { // then Kafka is not asked any more
		r.kafkaConditions(&found)
	}
	r.slotConditions(rep, &found)
	r.flowConditions(rep, &found)
	r.seen.mu.Lock()
	defer r.seen.mu.Unlock()
	if at := r.seen.rejected; time.Since(at) < rejectedFor {
		found.add(status.ConditionRejected, at, "")
	}
	if time.Since(r.seen.oldAt) < rejectedFor {
		found.add(status.ConditionRetention, r.seen.oldAt, r.seen.old)
	}
	if err := r.seen.prune; err != nil {
		found.add(status.ConditionPrune, time.Time{}, err.Error())
	}
	if stay := r.seen.uncarried; len(stay) > 0 {
		found.add(status.ConditionUncarried, time.Time{}, uncarriedWords(stay))
	}
	return r.seen.dated(found.found)
}

// uncarriedWords names the table with the most rows that were not in the stream.
func uncarriedWords(stay []provision.Uncarried) string {
	text := fmt.Sprintf("%d rows of %s", stay[0].Rows, stay[0].Table)
	if more := len(stay) - 1; more > 0 {
		text += fmt.Sprintf(", and rows of %d more partitions", more)
	}
	return text
}

func (r *Relay) stateConditions(rep *status.Report, found *findings) {
	switch rep.State {
	case status.Connecting:
		if rep.Reason != "" {
			found.add(status.ConditionPostgres, *rep.Since, rep.Reason)
		}
	case status.HaltedState:
		found.add(status.ConditionHalted, *rep.Since, "")
		if c := found.found[status.ConditionHalted]; rep.Hint != "" {
			c.Hint = rep.Hint
			found.found[status.ConditionHalted] = c
		}
	case status.Standby:
		found.add(status.ConditionStandby, *rep.Since, "")
	case status.Throttled:
		found.add(status.ConditionThrottled, *rep.Since, "")
	case status.WaitingForStandby:
		found.add(status.ConditionStandbySlots, *rep.Since, "")
	default: // nothing is wrong
	}
}

// kafkaConditions asks the producer, and not the state: Kafka may be away while
// Postgres is too.
func (r *Relay) kafkaConditions(found *findings) {
	p := r.running.Load()
	if p == nil {
		return
	}
	kafka := p.Health()
	if !kafka.Reachable && kafka.Err != nil {
		found.add(status.ConditionKafka, kafka.Since, kafka.Err.Error())
	}
	if len(kafka.Denied) > 0 {
		found.add(status.ConditionDenied, time.Time{}, kafka.Denied[0])
	}
	if len(kafka.Stuck) > 0 {
		found.add(status.ConditionStuck, time.Time{}, firstOf(kafka.Stuck))
	}
}

// firstOf is the first, and how many more there are.
func firstOf(texts []string) string {
	if more := len(texts) - 1; more > 0 {
		return fmt.Sprintf("%s (and %d more)", texts[0], more)
	}
	return texts[0]
}

func (r *Relay) slotConditions(rep *status.Report, found *findings) {
	slot := rep.Slot
	switch {
	case slot == nil:
	case slot.Lost():
		found.add(status.ConditionSlotLost, time.Time{}, slot.Loss().Reason+"; "+slot.Loss().Fix+" so that it does not happen again")
	case slot.AtRisk():
		found.add(status.ConditionSlotAtRisk, time.Time{}, fmt.Sprintf("the slot keeps %d MiB of WAL", slot.RetainedBytes>>20))
	}
}

func (r *Relay) flowConditions(rep *status.Report, found *findings) {
	now := time.Now()
	if wait := seconds(*rep.OldestUnacked); wait > r.patience {
		found.add(status.ConditionNoProgress, now.Add(-wait), r.lastAnswer())
	}
	if lag := seconds(*rep.LagSeconds); lag > r.patience {
		found.add(status.ConditionLagging, time.Time{}, "the oldest event that is read and not in Kafka was committed "+lag.Round(time.Second).String()+" ago")
	}
}

// lastAnswer is what Kafka last said of the oldest event that waits.
func (r *Relay) lastAnswer() string {
	if p := r.running.Load(); p != nil {
		return p.Health().Oldest
	}
	return ""
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// findings collects conditions, each with what the catalogue says of it.
type findings struct {
	hints status.Hints
	found map[string]status.Condition
}

// add notes a condition. The hint is the detail, and what to do in general.
func (f *findings) add(name string, since time.Time, detail string) {
	c := f.hints.Condition(name, detail)
	c.Since = since
	f.found[name] = c
}

// dated gives each condition the time since when it is there, and forgets those
// that are gone.
func (s *sightings) dated(found map[string]status.Condition) []status.Condition {
	if s.since == nil {
		s.since = map[string]time.Time{}
	}
	for name := range s.since {
		if _, still := found[name]; !still {
			delete(s.since, name)
		}
	}
	list := []status.Condition{}
	for _, kind := range status.Conditions() {
		name := kind.Name
		c, ok := found[name]
		if !ok {
			continue
		}
		if c.Since.IsZero() {
			if s.since[name].IsZero() {
				s.since[name] = time.Now()
			}
			c.Since = s.since[name]
		}
		list = append(list, c)
	}
	return list
}
