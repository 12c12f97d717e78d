package inbox

import (
	"fmt"
	"time"
)

// Kind is what an Observation tells.
type Kind uint8

const (
	// Processed says that the transaction with the event has been committed. The offset is
	// marked after all observers have returned.
	Processed Kind = iota + 1
	// Repeated says that the event had been processed before; its handler was not called.
	Repeated
	// Retrying says that an attempt has failed and there will be another after Wait.
	Retrying
	// DeadLettered says that Kafka has acknowledged the record on its dead letter topic.
	DeadLettered
	// Stopped says that an error ends Run. Event is nil when it is no record's.
	Stopped
	// Assigned says that a partition is this member's from now on. Event has topic and
	// partition only, and the offset to begin with.
	Assigned
	// Revoked says that a partition is no longer this member's. Event as for Assigned, with the
	// offset reached.
	Revoked
	// KafkaFailed says that a connection or the group has failed and is tried again. Event is
	// nil.
	KafkaFailed
	// Parked says that Kafka has acknowledged the record on its retry topic: it failed, or
	// came behind one of its key that is there (Err is nil then).
	Parked
	// Warned says in Err what slows this consumer down, though nothing fails: fewer
	// connections to the database than records that it processes at a time. Event is nil.
	Warned
)

// String names the kind in a word or two.
func (k Kind) String() string {
	names := [...]string{
		"", "processed", "repeated", "retrying", "dead-lettered", "stopped", "assigned", "revoked", "kafka failed", "parked", "warned",
	}
	if int(k) < len(names) {
		return names[k]
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// Observation is what a consumer tells its observers. Fields may be added.
type Observation struct {
	Kind  Kind
	Event *Event
	// Err and Class are set for Retrying, DeadLettered, Stopped, KafkaFailed and Parked,
	// and Err for Warned.
	Err   error
	Class Class
	// ErrorText is what a log may say of Err: without data, unless Config.ErrorText is set.
	ErrorText string
	// Wait is the time to the next attempt, for Retrying.
	Wait time.Duration
	// Took is how long the transaction took, for Processed and Repeated; of a batch,
	// the event's share.
	Took time.Duration
}

// Observer is told what happens, from several goroutines at a time. Processing waits
// for it. It must not keep or change the Event.
type Observer interface{ Observe(Observation) }

// ObserverFunc is a function as an Observer.
type ObserverFunc func(Observation)

// Observe calls f.
func (f ObserverFunc) Observe(o Observation) { f(o) }

func (c *Consumer) observe(o Observation) {
	if o.Err != nil && len(c.config.Observers) > 0 {
		o.ErrorText = c.config.errorText(o.Err)
	}
	for _, observer := range c.config.Observers {
		observer.Observe(o)
	}
}
