package relay

import (
	"time"

	"github.com/walpost/walpost/internal/relay/report"
	"github.com/walpost/walpost/internal/status"
)

// patience returns how long an event may wait.
const patience = time.Minute

// Report returns the relay's state with its figures and conditions. Topics,
// rejections and consumer groups are counted elsewhere, and empty here.
func (r *Relay) Report(version string) status.Report {
	st, slot := r.state.Status(), r.seen.Slot()
	committed, read := r.oldest()
	now := time.Now()
	rep := status.Report{
		Relay: st.Relay, State: st.State, Since: &st.Since, Reason: st.Reason, Hint: st.Hint,
		Slot: slot, LagSeconds: secondsSince(committed, now), OldestUnacked: secondsSince(read, now),
		InFlight: &status.InFlight{}, LastError: r.seen.LastError(), Version: version, Postgres: r.seen.Postgres(),
		Topics: []status.TopicReport{}, Rejected: []status.Rejections{}, ConsumerGroups: []status.GroupLag{},
	}
	if slot != nil {
		rep.LagBytes = slot.LagBytes
	}
	rep.InFlight.Events, rep.InFlight.Bytes = r.InFlight()
	facts := report.Facts{Patience: r.timing.patience, Hints: r.opts.Hints}
	if r.resumer != nil {
		rep.Transactions, facts.Uncommitted, facts.Aborted = r.resumer.Report(now)
	}
	if p := r.running.Load(); p != nil {
		kafka := p.Health()
		facts.Kafka = &kafka
	}
	rep.Conditions = r.seen.Conditions(&rep, facts)
	if c, blocked := rep.Blocking(); blocked && rep.Hint == "" {
		rep.Hint = c.Hint
	}
	return rep
}

// secondsSince returns 0 for a time that is unknown, and for one in the future: clocks differ.
func secondsSince(t, now time.Time) *float64 {
	var seconds float64
	if !t.IsZero() {
		seconds = max(0, now.Sub(t).Seconds())
	}
	return &seconds
}
