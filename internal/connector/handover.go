package connector

import (
	"fmt"
	"slices"
	"strings"
)

// handover is what the steps from the connector to walpost and back depend on.
type handover struct {
	variables         []string // to be set
	slot, publication string   // "": walpost has a slot of its own
	connector         string
	server, strimzi   bool
	dropsSlot         bool // slot.drop.on.stop
	trustsSlot        bool // offset.mismatch.strategy
	shared            bool // the connector stays, for its other tables
}

// set notes an environment variable that the file needs.
func (h *handover) set(variable string) {
	if !slices.Contains(h.variables, variable) {
		h.variables = append(h.variables, variable)
	}
}

// Steps returns how walpost takes over, and how to go back, each a line. File is the configuration that was written.
func (r *Result) Steps(file string) (there, back []string) {
	h := &r.handover
	if len(h.variables) > 0 {
		there = append(there, "set the environment: "+strings.Join(h.variables, ", "))
	}
	if h.dropsSlot {
		there = append(there, "set slot.drop.on.stop=false in the connector first: otherwise it drops the slot when it stops, and "+
			"what is written "+
			"until walpost runs is lost")
	}
	there = append(there, "walpost check -c "+file)
	if h.slot == "" {
		return append(there, h.ownSlot(file)...), []string{
			firstBack, h.startConnector() + ": it sends what its own slot holds, part of which walpost has published too",
		}
	}
	there = append(there, h.stopConnector(),
		"wait until the slot is free: SELECT active FROM pg_replication_slots WHERE slot_name = '"+h.slot+"'",
		fmt.Sprintf("walpost run -c %s: it goes on where the connector stopped; the connector's last transaction may come again", file))
	return there, h.sameSlot()
}

// trustSlot is the offset.mismatch.strategy with which a connector takes the position of its slot for its own. Without it
// its task fails, once the server has let go of the WAL at the position that Kafka Connect has stored.
const trustSlot = "trust_slot"

// sameSlot are the steps back, to the slot that walpost has moved on.
func (h *handover) sameSlot() (back []string) {
	back = append(back, firstBack)
	if !h.trustsSlot {
		back = append(back, "set offset.mismatch.strategy="+trustSlot+" in the connector (Debezium 3.4 and newer): its own position is "+
			"older than the slot, and without it its task fails once Postgres has let go of the WAL between")
	}
	return append(back, h.startConnector(),
		"the connector goes on at the slot; if its task fails, do not set snapshot.mode=when_needed: that publishes the whole table again")
}

// ownSlot are the steps with a slot of walpost's own.
func (h *handover) ownSlot(file string) []string {
	stop := h.stopConnector()
	last := "once you do not go back, drop the connector's slot: SELECT pg_drop_replication_slot('NAME')"
	if h.shared {
		stop = "take the outbox out of the connector's tables"
		last = "the connector goes on for its other tables"
	}
	return []string{
		fmt.Sprintf("walpost init -c %s: makes a publication and a slot, while the connector still runs, so that nothing is "+
			"lost", file), stop,
		fmt.Sprintf("walpost run -c %s: events between init and the end of the connector's part come twice, with the same "+
			"id", file), last,
	}
}

func (h *handover) stopConnector() string {
	if h.server {
		return "stop Debezium Server with SIGTERM, and keep its offset file for the way back"
	}
	if h.strimzi {
		return "stop the connector, and keep its offsets for the way back: spec.state: stopped in its KafkaConnector"
	}
	return "stop the connector, and keep its offsets for the way back: curl -X PUT http://CONNECT:8083/connectors/" + h.named() + "/stop"
}

func (h *handover) startConnector() string {
	if h.shared {
		return "give the outbox back to the connector's tables"
	}
	if h.server {
		return "start Debezium Server"
	}
	if h.strimzi {
		return "start the connector: spec.state: running in its KafkaConnector"
	}
	return "start the connector: curl -X PUT http://CONNECT:8083/connectors/" + h.named() + "/resume"
}

// firstBack is the first step back.
const firstBack = "stop walpost with SIGTERM, and wait for exit code 0"

// named is the connector in an URL.
func (h *handover) named() string {
	if h.connector == "" {
		return "NAME"
	}
	return encode(h.connector)
}
