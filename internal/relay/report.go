package relay

import (
	"sync"
	"time"

	"github.com/walpost/walpost/internal/replication"
)

// Report is everything a relay says of itself: the shape of `status --json` and
// of /status.
type Report struct {
	Relay      string                  `json:"relay"`
	State      State                   `json:"state"`
	Since      time.Time               `json:"since"`
	Reason     string                  `json:"reason,omitempty"`
	Hint       string                  `json:"hint,omitempty"`
	Slot       *replication.SlotStatus `json:"slot"`        // as last seen, at most some seconds ago; null: not seen yet
	LagBytes   int64                   `json:"lag_bytes"`   // WAL between the slot's confirmed position and the end
	LagSeconds float64                 `json:"lag_seconds"` // age of the oldest event read that Kafka has not acknowledged; 0: there is none
	InFlight   InFlight                `json:"in_flight"`
	LastError  *LastError              `json:"last_error"` // null: none yet
	Conditions []Condition             `json:"conditions"`
	Version    string                  `json:"version"`
}

// InFlight is what is read and not acknowledged.
type InFlight struct {
	Events int   `json:"events"`
	Bytes  int64 `json:"bytes"`
}

// LastError is the last failure of a connection.
type LastError struct {
	Text string    `json:"text"`
	At   time.Time `json:"at"`
}

// Severity says how much a condition matters.
type Severity string

// The severities.
const (
	Info     Severity = "info"     // worth knowing
	Warn     Severity = "warning"  // needs somebody within the day
	Critical Severity = "critical" // events do not flow, or may soon be lost
)

// Condition is something about a relay that is not as it should be.
type Condition struct {
	Name     string    `json:"name"`
	Severity Severity  `json:"severity"`
	Since    time.Time `json:"since"`
	Hint     string    `json:"hint"`
}

// Report gives the relay's state with its figures and conditions.
func (r *Relay) Report(version string) Report {
	status := r.state.get()
	slot := r.seen.slotStatus()
	rep := Report{
		Relay: status.Relay, State: status.State, Since: status.Since, Reason: status.Reason, Hint: status.Hint,
		Slot: slot, LagSeconds: r.lag(time.Now()).Seconds(), LastError: r.seen.lastError(), Version: version,
	}
	if slot != nil {
		rep.LagBytes = slot.LagBytes
	}
	rep.InFlight.Events, rep.InFlight.Bytes = r.InFlight()
	rep.Conditions = r.conditions(&rep)
	return rep
}

// sightings is what goroutines beside the stream have seen last.
type sightings struct {
	mu       sync.Mutex
	slot     *replication.SlotStatus
	failure  *LastError
	rejected time.Time
	since    map[string]time.Time // conditions that are there, and since when
}

func (s *sightings) slotStatus() *replication.SlotStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.slot
}

func (s *sightings) sawSlot(slot *replication.SlotStatus) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.slot = slot
}

func (s *sightings) lastError() *LastError {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failure
}

func (s *sightings) failed(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failure = &LastError{Text: err.Error(), At: time.Now()}
}

func (s *sightings) sawRejected() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rejected = time.Now()
}

// sightseer passes on to the observer and remembers what makes a condition.
type sightseer struct {
	Observer
	seen *sightings
}

func (s *sightseer) Rejected(topic, reason string) {
	s.seen.sawRejected()
	s.Observer.Rejected(topic, reason)
}
