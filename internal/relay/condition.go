package relay

import (
	"fmt"
	"time"
)

// Names of the conditions. docs/operations.md has a paragraph for each.
const (
	ConditionPostgres     = "postgres_unreachable"
	ConditionKafka        = "kafka_unreachable"
	ConditionDenied       = "kafka_denied"
	ConditionHalted       = "halted"
	ConditionStandby      = "standby"
	ConditionThrottled    = "throttled"
	ConditionNoProgress   = "no_progress"
	ConditionSlotAtRisk   = "slot_at_risk"
	ConditionSlotLost     = "slot_lost"
	ConditionRejected     = "records_rejected"
	ConditionStandbySlots = "waiting_for_standby"
	ConditionPrune        = "prune_failed"
)

// ConditionNames are all conditions, for metrics that name each.
func ConditionNames() []string {
	return []string{
		ConditionPostgres, ConditionKafka, ConditionDenied, ConditionHalted, ConditionStandby, ConditionThrottled,
		ConditionNoProgress, ConditionSlotAtRisk, ConditionSlotLost, ConditionRejected, ConditionStandbySlots, ConditionPrune,
	}
}

const (
	noProgressAfter = time.Minute
	rejectedFor     = 15 * time.Minute // how long a rejected record stays a condition
)

// conditions judges a report. Where the state does not say since when, it is
// since a report saw it first.
func (r *Relay) conditions(rep *Report) []Condition {
	found := map[string]Condition{}
	add := func(name string, severity Severity, since time.Time, hint string) {
		found[name] = Condition{Name: name, Severity: severity, Since: since, Hint: hint}
	}
	switch rep.State {
	case Connecting:
		if rep.Reason != "" {
			add(ConditionPostgres, Critical, *rep.Since, "Postgres does not let walpost in: "+rep.Reason)
		}
	case HaltedState:
		add(ConditionHalted, Critical, *rep.Since, rep.Hint)
	case Standby:
		add(ConditionStandby, Info, *rep.Since, "another relay streams from the slot; this one takes over when it ends")
	case Throttled:
		add(ConditionThrottled, Info, *rep.Since, "Kafka takes less than Postgres gives: look at walpost_kafka_request_seconds, or raise delivery.in_flight")
	case KafkaUnavailable, Hibernating:
		add(ConditionKafka, Critical, *rep.Since, "Kafka does not take records: "+rep.Reason)
	case WaitingForStandby:
		add(ConditionStandbySlots, Critical, *rep.Since, rep.Hint)
	default: // nothing is wrong
	}
	r.kafkaConditions(add)
	r.slotConditions(rep, add)
	if wait := time.Duration(*rep.OldestUnacked * float64(time.Second)); wait > noProgressAfter {
		add(ConditionNoProgress, Critical, time.Now().Add(-wait), "Kafka has not acknowledged the oldest event since it was read: see the other conditions and the log")
	}
	r.seen.mu.Lock()
	defer r.seen.mu.Unlock()
	if at := r.seen.rejected; time.Since(at) < rejectedFor {
		add(ConditionRejected, Warn, at, "records Kafka can never accept were met: see walpost_events_rejected_total and the log for which and why")
	}
	if err := r.seen.prune; err != nil {
		add(ConditionPrune, Warn, time.Time{}, "confirmed rows stay in the outbox: "+err.Error())
	}
	return r.seen.dated(found)
}

func (r *Relay) kafkaConditions(add func(string, Severity, time.Time, string)) {
	p := r.running.Load()
	if p == nil {
		return
	}
	if denied := p.Health().Denied; len(denied) > 0 {
		add(ConditionDenied, Critical, time.Time{}, "grant it to walpost's principal, it goes on by itself: "+denied[0])
	}
}

// riskShare is the share of max_slot_wal_keep_size that is left when a slot
// counts as at risk.
const riskShare = 0.2

func (r *Relay) slotConditions(rep *Report, add func(string, Severity, time.Time, string)) {
	slot := rep.Slot
	switch {
	case slot == nil:
	case slot.WALStatus == "lost":
		add(ConditionSlotLost, Critical, time.Time{}, "Postgres has removed WAL that the slot needs: "+RecoverHint(r.cfg))
	case slot.WALStatus == "unreserved" || slot.SafeWALBytes != nil && float64(*slot.SafeWALBytes) < riskShare*float64(*slot.SafeWALBytes+slot.RetainedBytes):
		add(ConditionSlotAtRisk, Critical, time.Time{}, fmt.Sprintf(
			"the slot keeps %d MiB of WAL, near max_slot_wal_keep_size: beyond it Postgres drops it and events are lost; get events flowing or raise it", slot.RetainedBytes>>20))
	}
}

// dated gives each condition the time since when it is there, and forgets those
// that are gone.
func (s *sightings) dated(found map[string]Condition) []Condition {
	if s.since == nil {
		s.since = map[string]time.Time{}
	}
	for name := range s.since {
		if _, still := found[name]; !still {
			delete(s.since, name)
		}
	}
	list := []Condition{}
	for _, name := range ConditionNames() {
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
