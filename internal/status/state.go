package status

import "time"

// State is what a relay is doing, as logs, /status and walpost_state name it.
type State string

// The states of a relay.
const (
	Connecting        State = "connecting"          // no connection to Postgres
	Verifying         State = "verifying"           // checking server, slot and publication
	Streaming         State = "streaming"           // reading from the slot, and Kafka answers
	Throttled         State = "throttled"           // reading pauses: in_flight is used up
	KafkaUnavailable  State = "kafka_unavailable"   // Kafka does not answer; the slot keeps the data
	Hibernating       State = "hibernating"         // disconnected from Postgres until Kafka is back
	WaitingForStandby State = "waiting_for_standby" // Postgres holds events back until a physical standby has them
	Standby           State = "standby"             // another relay streams from the slot
	Stopping          State = "stopping"            // asked to stop: waiting for acknowledgements
	Stopped           State = "stopped"             // ended in order
	HaltedState       State = "halted"              // an operator must decide
)

// States are all states, for metrics that name each.
func States() []State {
	return []State{
		Connecting, Verifying, Streaming, Throttled, KafkaUnavailable, Hibernating, WaitingForStandby,
		Standby, Stopping, Stopped, HaltedState,
	}
}

// Status is a relay at one moment.
type Status struct {
	Relay  string
	State  State
	Since  time.Time
	Reason string // why, in words; "" when there is nothing to say
	Hint   string // what to do about it
}
