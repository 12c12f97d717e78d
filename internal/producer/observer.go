package producer

import "time"

// Observer is told what happens. Its methods must be fast and must not call back.
type Observer interface {
	Published(topic string, records, bytes int)
	Rejected(topic, reason string)
	DeadLettered(topic string)
	ProduceError(class string)
	PossibleRepeats(records int)
	// CommitToAck is called once for each batch, with the time that its oldest record took
	// from the commit of its transaction to the acknowledgement.
	CommitToAck(d time.Duration)
	Request(d time.Duration)
	Reconnected()
	// Transaction is called for each Kafka transaction that ended: committed, or aborted and
	// written again.
	Transaction(committed bool)
}

// NopObserver ignores everything. Whoever needs only some of the methods embeds it.
type NopObserver struct{}

var _ Observer = NopObserver{}

// Published ignores acknowledged records.
func (NopObserver) Published(string, int, int) {}

// Rejected ignores a record that Kafka can never accept.
func (NopObserver) Rejected(string, string) {}

// DeadLettered ignores a dead letter that was acknowledged.
func (NopObserver) DeadLettered(string) {}

// ProduceError ignores an answer or a connection that failed.
func (NopObserver) ProduceError(string) {}

// PossibleRepeats ignores records that may be in the topic twice.
func (NopObserver) PossibleRepeats(int) {}

// CommitToAck ignores a latency.
func (NopObserver) CommitToAck(time.Duration) {}

// Request ignores the duration of a request.
func (NopObserver) Request(time.Duration) {}

// Reconnected ignores a connection that was opened again.
func (NopObserver) Reconnected() {}

// Transaction ignores the end of a Kafka transaction.
func (NopObserver) Transaction(bool) {}
