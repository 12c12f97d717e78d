package relay

import (
	"sync"
	"time"

	"github.com/walpost/walpost/internal/replication"
	"github.com/walpost/walpost/internal/told"
)

// Report is everything there is to say of a relay: the shape of `status --json`
// and of /status (contract, section 1). What only the running relay knows is null
// when Postgres was asked instead of it; what nobody has seen yet is null too.
type Report struct {
	Relay          string                  `json:"relay"`
	State          State                   `json:"state"`
	Since          *time.Time              `json:"since"`
	Reason         string                  `json:"reason"`
	Hint           string                  `json:"hint"`
	Slot           *replication.SlotStatus `json:"slot"`                   // as last seen, at most some seconds ago
	LagBytes       *int64                  `json:"lag_bytes"`              // WAL between the slot's confirmed position and the end
	LagSeconds     *float64                `json:"lag_seconds"`            // since the commit of the oldest event read that Kafka has not acknowledged; 0: there is none
	OldestUnacked  *float64                `json:"oldest_unacked_seconds"` // since that event was read: how long Kafka lets it wait
	InFlight       *InFlight               `json:"in_flight"`
	LastError      *LastError              `json:"last_error"` // null: none yet
	Conditions     []Condition             `json:"conditions"`
	Topics         []TopicReport           `json:"topics"`
	Rejected       []Rejections            `json:"rejected"`
	ConsumerGroups []GroupLag              `json:"consumer_groups"`
	Version        string                  `json:"version"`          // of walpost
	Postgres       *string                 `json:"postgres_version"` // as the server says; null: not asked yet. Kafka does not tell its own
}

// TopicReport is what a topic has got from this process, and how it is kept.
type TopicReport struct {
	Topic           string  `json:"topic"`
	Published       uint64  `json:"published"`                   // records acknowledged, dead letters among them
	Bytes           uint64  `json:"bytes"`                       // of them, before compression
	DeadLetters     uint64  `json:"dead_letters"`                //
	UnderReplicated *int    `json:"under_replicated_partitions"` // null: not known
	ISRShrinks      *uint64 `json:"isr_shrinks"`                 // null: not known
}

// Rejections counts the records of a topic that Kafka can never accept, by reason.
type Rejections struct {
	Topic  string `json:"topic"`
	Reason string `json:"reason"`
	Events uint64 `json:"events"`
}

// GroupLag is how many records of a topic a consumer group has still to read.
type GroupLag struct {
	Group   string `json:"group"`
	Topic   string `json:"topic"`
	Records int64  `json:"records"`
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

// Report gives the relay's state with its figures and conditions. Topics,
// rejections and consumer groups are counted elsewhere, and empty here.
func (r *Relay) Report(version string) Report {
	status, slot := r.state.get(), r.seen.slotStatus()
	committed, read := r.oldest()
	now := time.Now()
	rep := Report{
		Relay: status.Relay, State: status.State, Since: &status.Since, Reason: status.Reason, Hint: status.Hint,
		Slot: slot, LagSeconds: secondsSince(committed, now), OldestUnacked: secondsSince(read, now),
		InFlight: &InFlight{}, LastError: r.seen.lastError(), Version: version, Postgres: r.seen.postgresVersion(),
		Topics: []TopicReport{}, Rejected: []Rejections{}, ConsumerGroups: []GroupLag{},
	}
	if slot != nil {
		rep.LagBytes = slot.LagBytes
	}
	rep.InFlight.Events, rep.InFlight.Bytes = r.InFlight()
	rep.Conditions = r.conditions(&rep)
	if c, blocked := notReady(rep.Conditions); blocked && rep.Hint == "" {
		rep.Hint = c.Hint
	}
	return rep
}

// Ready tells that the relay streams from its slot and that Kafka answers: no
// condition says otherwise.
func (r *Report) Ready() bool {
	_, blocked := notReady(r.Conditions)
	return !blocked && (r.State == Streaming || r.State == Throttled)
}

// secondsSince is 0 for a time that is not known, and for one to come: clocks differ.
func secondsSince(t, now time.Time) *float64 {
	var seconds float64
	if !t.IsZero() {
		seconds = max(0, now.Sub(t).Seconds())
	}
	return &seconds
}

// sightings is what goroutines beside the stream have seen last.
type sightings struct {
	mu        sync.Mutex
	slot      *replication.SlotStatus
	slotAt    time.Time // when the slot was looked at
	failure   *LastError
	postgres  *string // its version
	rejected  time.Time
	prune     error                   // of the last round of outbox.prune
	uncarried []replication.Uncarried // rows that the last round left alone
	old       string                  // what was published and its topic does not keep, the last time
	oldAt     time.Time
	since     map[string]time.Time // conditions that are there, and since when
}

func (s *sightings) slotStatus() *replication.SlotStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.slot
}

func (s *sightings) sawSlot(slot *replication.SlotStatus) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.slot, s.slotAt = slot, time.Now()
}

func (s *sightings) slotAge() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Since(s.slotAt)
}

func (s *sightings) lastError() *LastError {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failure
}

func (s *sightings) failed(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failure = &LastError{Text: told.Words(err.Error()), At: time.Now()}
}

func (s *sightings) sawPostgres(version string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.postgres = &version
}

func (s *sightings) postgresVersion() *string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.postgres
}

func (s *sightings) sawRejected() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rejected = time.Now()
}

func (s *sightings) pruned(stay []replication.Uncarried, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.prune = err
	if err == nil {
		s.uncarried = stay
	}
}

func (s *sightings) expired(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.old, s.oldAt = text, time.Now()
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

// Topics are those that this process has an event for, from the first on: also
// before Kafka has acknowledged one.
func (r *Relay) Topics() []string {
	if p := r.running.Load(); p != nil {
		return p.Topics()
	}
	return nil
}
