package report

import (
	"fmt"
	"time"

	"github.com/walpost/walpost/internal/postgres/provision"
	"github.com/walpost/walpost/internal/producer"
	"github.com/walpost/walpost/internal/status"
)

// rejectedFor is how long a rejected or expired record stays a condition.
const rejectedFor = 15 * time.Minute

// Facts are what conditions depend on, beside the observations.
type Facts struct {
	Kafka    *producer.Health // nil: Kafka has not been asked yet
	Patience time.Duration    // how long an event may wait before the condition no_progress or lagging
	Hints    status.Hints
	// Uncommitted is since when events wait for the commit of a Kafka transaction; zero: none do.
	Uncommitted time.Time
	Aborted     string // why the last Kafka transaction was aborted
}

// Conditions returns what is not as it should be. A condition exists since the state says
// so, or else since a report saw it first.
func (o *Observations) Conditions(rep *status.Report, facts Facts) []status.Condition {
	found := findings{hints: facts.Hints, found: map[string]status.Condition{}}
	found.ofState(rep)
	if rep.State != status.HaltedState && rep.State != status.Stopped { // else Kafka is not asked any more
		found.ofKafka(facts.Kafka)
		found.ofTransactions(facts)
	}
	found.ofSlot(rep)
	found.ofFlow(rep, facts)
	o.mu.Lock()
	defer o.mu.Unlock()
	found.ofObservations(o, facts)
	return o.dated(found.found)
}

func (f *findings) ofObservations(o *Observations, facts Facts) {
	if halted, ok := f.found[status.ConditionHalted]; ok && o.fenced { // nobody has to decide anything
		delete(f.found, status.ConditionHalted)
		f.add(status.ConditionFenced, halted.Since, "")
	}
	if third := o.aborted[o.aborts%manyAborted]; !third.IsZero() && time.Since(third) < rejectedFor {
		f.add(status.ConditionAborted, third, facts.Aborted)
	}
	if time.Since(o.rejected) < rejectedFor {
		f.add(status.ConditionRejected, o.rejected, "")
	}
	if time.Since(o.expiredAt) < rejectedFor {
		f.add(status.ConditionRetention, o.expiredAt, o.expired)
	}
	if o.prune != nil {
		f.add(status.ConditionPrune, time.Time{}, o.prune.Error())
	}
	if len(o.uncarried) > 0 {
		f.add(status.ConditionUncarried, time.Time{}, describeUncarried(o.uncarried))
	}
}

// describeUncarried names the table with the most rows that were not in the stream.
func describeUncarried(stay []provision.Uncarried) string {
	text := fmt.Sprintf("%d rows of %s", stay[0].Rows, stay[0].Table)
	if more := len(stay) - 1; more > 0 {
		text += fmt.Sprintf(", and rows of %d more partitions", more)
	}
	return text
}

func (f *findings) ofState(rep *status.Report) {
	switch rep.State {
	case status.Connecting:
		if rep.Reason != "" {
			f.add(status.ConditionPostgres, *rep.Since, rep.Reason)
		}
	case status.HaltedState:
		f.add(status.ConditionHalted, *rep.Since, "")
		if c := f.found[status.ConditionHalted]; rep.Hint != "" {
			c.Hint = rep.Hint
			f.found[status.ConditionHalted] = c
		}
	case status.Standby:
		f.add(status.ConditionStandby, *rep.Since, "")
	case status.Throttled:
		f.add(status.ConditionThrottled, *rep.Since, "")
	case status.WaitingForStandby:
		f.add(status.ConditionStandbySlots, *rep.Since, "")
	default: // nothing is wrong
	}
}

// ofKafka depends on the producer, not on the state: Kafka and Postgres may be unavailable
// at the same time.
func (f *findings) ofKafka(kafka *producer.Health) {
	if kafka == nil { // not asked yet
		return
	}
	if !kafka.Reachable && kafka.Err != nil {
		f.add(status.ConditionKafka, kafka.Since, kafka.Err.Error())
	}
	if len(kafka.Denied) > 0 {
		f.add(status.ConditionDenied, time.Time{}, kafka.Denied[0])
	}
	if len(kafka.Stuck) > 0 {
		f.add(status.ConditionStuck, time.Time{}, firstOf(kafka.Stuck))
	}
}

// firstOf returns the first, and how many more there are.
func firstOf(texts []string) string {
	if more := len(texts) - 1; more > 0 {
		return fmt.Sprintf("%s (and %d more)", texts[0], more)
	}
	return texts[0]
}

func (f *findings) ofSlot(rep *status.Report) {
	slot := rep.Slot
	switch {
	case slot == nil:
	case slot.Lost():
		f.add(status.ConditionSlotLost, time.Time{}, slot.Loss().Reason+"; "+slot.Loss().Fix+" so that it does not happen again")
	case slot.AtRisk():
		f.add(status.ConditionSlotAtRisk, time.Time{}, fmt.Sprintf("the slot keeps %d MiB of WAL", slot.RetainedBytes>>20))
	}
}

func (f *findings) ofFlow(rep *status.Report, facts Facts) {
	now := time.Now()
	if wait := seconds(*rep.OldestUnacked); wait > facts.Patience {
		f.add(status.ConditionNoProgress, now.Add(-wait), facts.oldest())
	}
	if lag := seconds(*rep.LagSeconds); lag > facts.Patience {
		f.add(status.ConditionLagging, time.Time{},
			"the oldest event that is read and not in Kafka was committed "+lag.Round(time.Second).String()+" ago")
	}
}

// uncommittedShare is the part of Facts.Patience after which events that are in Kafka and
// not committed are a condition: before the relay gives their transaction up.
const uncommittedShare = 4

// ofTransactions depends on the state: after a halt nothing is written, and nothing is open.
func (f *findings) ofTransactions(facts Facts) {
	if since := facts.Uncommitted; !since.IsZero() && time.Since(since) > facts.Patience/uncommittedShare {
		f.add(status.ConditionUncommitted, since, facts.Aborted)
	}
}

// oldest returns what Kafka last said of the oldest event that waits.
func (f *Facts) oldest() string {
	if f.Kafka == nil {
		return ""
	}
	return f.Kafka.Oldest
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

// dated sets the time since when each condition exists, and forgets those that are gone.
func (o *Observations) dated(found map[string]status.Condition) []status.Condition {
	if o.since == nil {
		o.since = map[string]time.Time{}
	}
	for name := range o.since {
		if _, still := found[name]; !still {
			delete(o.since, name)
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
			if o.since[name].IsZero() {
				o.since[name] = time.Now()
			}
			c.Since = o.since[name]
		}
		list = append(list, c)
	}
	return list
}
