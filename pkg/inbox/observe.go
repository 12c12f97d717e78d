package inbox

import (
	"fmt"
	"time"
)

// Kind is what an Observation tells.
type Kind uint8

const (
	// KindProcessed says that the transaction with the event has been committed. The offset
	// is marked after all observers have returned.
	KindProcessed Kind = iota + 1
	// KindRepeated says that the event had been processed before; its handler was not called.
	KindRepeated
	// KindRetrying says that an attempt has failed and there will be another after Wait. Event
	// is nil when it is no record's, such as the swap of a rebuild.
	KindRetrying
	// KindDeadLettered says that Kafka has acknowledged the record on its dead letter topic.
	KindDeadLettered
	// KindStopped says that an error ends Run. Event is nil when it is no record's.
	KindStopped
	// KindAssigned says that a partition is this member's from now on. Event has topic and
	// partition only, and the offset to begin with.
	KindAssigned
	// KindRevoked says that a partition is no longer this member's. Event as for KindAssigned, with the
	// offset reached.
	KindRevoked
	// KindKafkaFailed says that a connection or the group has failed and is tried again. Event is
	// nil.
	KindKafkaFailed
	// KindParked says that Kafka has acknowledged the record on its retry topic: it failed, or
	// came behind one of its key that is there (Err is nil then).
	KindParked
	// KindWarned says in Err what slows this consumer down, though nothing fails: fewer
	// connections to the database than records that it processes at a time. Event is nil.
	KindWarned
	// KindRebuilt says that Rebuild of pkg/projection has put its tables in place. Event is nil.
	KindRebuilt
)

// String names the kind in a word or two.
func (k Kind) String() string {
	names := [...]string{
		"", "processed", "repeated", "retrying", "dead-lettered", "stopped", "assigned", "revoked", "kafka failed", "parked", "warned",
		"rebuilt",
	}
	if int(k) < len(names) {
		return names[k]
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// Observation is what a consumer or a projection tells its observers. Fields may be added.
type Observation struct {
	Kind       Kind
	Event      *Event
	Projection string // its name; "" for a consumer
	Rebuild    bool   // its Rebuild tells it, and not its Run
	// Err and Class are set for KindRetrying, KindDeadLettered, KindStopped, KindKafkaFailed
	// and KindParked, and Err for KindWarned.
	Err   error
	Class Class
	// ErrorText is what a log may say of Err: without data, unless Config.ErrorText is set.
	ErrorText string
	// Wait is the time to the next attempt, for KindRetrying.
	Wait time.Duration
	// Took is how long the transaction took, for KindProcessed and KindRepeated; of a batch,
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
