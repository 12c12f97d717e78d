package status

import (
	"time"

	"github.com/walpost/walpost/internal/postgres/catalog"
)

// Report is everything there is to say of a relay: the shape of `status --json`
// and of /status. What only the running relay knows is null
// when Postgres was asked instead of it; what nobody has seen yet is null too.
type Report struct {
	Relay    string        `json:"relay"`
	State    State         `json:"state"`
	Since    *time.Time    `json:"since"`
	Reason   string        `json:"reason"`
	Hint     string        `json:"hint"`
	Slot     *catalog.Slot `json:"slot"`      // as last seen, at most some seconds ago
	LagBytes *int64        `json:"lag_bytes"` // WAL between the slot's confirmed position and the end
	// since the commit of the oldest event read that Kafka has not acknowledged; 0: there is none
	LagSeconds     *float64      `json:"lag_seconds"`
	OldestUnacked  *float64      `json:"oldest_unacked_seconds"` // since that event was read: how long Kafka lets it wait
	InFlight       *InFlight     `json:"in_flight"`
	LastError      *LastError    `json:"last_error"` // null: none yet
	Conditions     []Condition   `json:"conditions"`
	Topics         []TopicReport `json:"topics"`
	Rejected       []Rejections  `json:"rejected"`
	Transactions   *Transactions `json:"kafka_transactions"` // null with delivery.guarantee: at_least_once
	ConsumerGroups []GroupLag    `json:"consumer_groups"`
	Version        string        `json:"version"`          // of walpost
	Postgres       *string       `json:"postgres_version"` // as the server says; null: not asked yet. Kafka does not tell its own
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

// Transactions are the Kafka transactions of a relay with delivery.guarantee: exactly_once.
type Transactions struct {
	ID          string  `json:"transactional_id"`
	Committed   uint64  `json:"committed"`    // by this process
	Aborted     uint64  `json:"aborted"`      // by this process, and written again
	OpenSeconds float64 `json:"open_seconds"` // since the present one was opened; 0: none is open
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

// Ready reports whether the relay streams from its slot and Kafka answers: no
// condition says otherwise.
func (r *Report) Ready() bool {
	_, blocked := r.Blocking()
	return !blocked && (r.State == Streaming || r.State == Throttled)
}

// Blocking returns the worst condition that keeps the relay from being ready.
func (r *Report) Blocking() (Condition, bool) {
	for _, kind := range Conditions() {
		for _, c := range r.Conditions {
			if kind.NotReady && c.Name == kind.Name {
				return c, true
			}
		}
	}
	return Condition{}, false
}
