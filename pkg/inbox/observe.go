package inbox

import (
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

// Kind is the kind of an Observation.
type Kind uint8

const (
	// KindProcessed says that the transaction with the event has been committed. The offset
	// is marked after all observers have returned.
	KindProcessed Kind = iota + 1
	// KindRepeated says that the event had been processed before; its handler was not called.
	KindRepeated
	// KindRetrying says that an attempt has failed and there will be another after Wait. Event
	// is nil if the attempt was not about a record, such as the swap of a rebuild.
	KindRetrying
	// KindDeadLettered says that Kafka has acknowledged the record on its dead letter topic.
	KindDeadLettered
	// KindStopped says that an error ends Run. Event is nil if the error is not about a record.
	KindStopped
	// KindAssigned says that a partition is this member's from now on. Event has topic and
	// partition only, and the offset to begin with.
	KindAssigned
	// KindRevoked says that a partition is no longer this member's. Event is as for
	// KindAssigned, with the offset that was reached.
	KindRevoked
	// KindKafkaFailed says that a connection or the group has failed, and is retried. Event
	// is nil.
	KindKafkaFailed
	// KindParked says that Kafka has acknowledged the record on its retry topic: it failed, or
	// an earlier record of its key is there, and Err is nil then.
	KindParked
	// KindWarned says in Err what slows this consumer down, though nothing fails: fewer
	// connections to the database than records that it processes at a time. Event is nil.
	KindWarned
	// KindRebuilt says that Rebuild of pkg/projection has put its tables in place. Event is nil.
	KindRebuilt
)

// String returns the kind in a word or two, such as "dead-lettered".
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

// Observation is something that a consumer or a projection has done, or that happened to it.
// Fields may be added.
type Observation struct {
	Kind       Kind
	Event      *Event
	Projection string // its name; "" for a consumer
	Rebuild    bool   // it comes from Rebuild of the projection, not from Run
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

// Observer is called for each Observation, from several goroutines at a time. Processing
// waits until it returns. It must not keep or change the Event.
type Observer interface{ Observe(Observation) }

// ObserverFunc makes an Observer of a function.
type ObserverFunc func(Observation)

// Observe calls f.
func (f ObserverFunc) Observe(o Observation) { f(o) }

func (c *Consumer) observe(o Observation) {
	if o.Err != nil && len(c.config.Observers) > 0 {
		o.ErrorText = c.config.errorText(o.Err)
	}
	for _, observer := range c.config.Observers {
		if err := tell(observer, o); err != nil {
			c.halt(errors.Join(err, o.Err))
		}
	}
}

// tell keeps a panic of an observer from ending the process.
func tell(observer Observer, o Observation) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = &PanicError{value, debug.Stack()}
			if err = fmt.Errorf("inbox: observer of %q: %w", o.Kind, err); o.Event != nil {
				err = fmt.Errorf("%w: %v", err, o.Event)
			}
		}
	}()
	observer.Observe(o)
	return nil
}
