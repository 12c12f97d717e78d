package faults_test

import (
	"syscall"
	"testing"

	"github.com/walpost/walpost/dev/devstack"
)

// transactionState is Kafka's own topic: the leader of the partition of a transactional id
// coordinates its transactions.
const transactionState = "__transaction_state"

// Rows on a cluster of three brokers, each under load and with a relay that is killed again
// and again meanwhile.
func TestExactlyOnceThreeBrokers(t *testing.T) {
	t.Parallel()
	servers := newHarnessOn(t, ownServer(t, 0, brisk()), nil)
	servers.onKafka(t, devstack.Plaintext, 3, threeBrokers())
	h := onceOn(t, servers, 3)
	for _, row := range []struct {
		name string
		do   func(*testing.T, *onceHarness)
	}{
		{"servers crash", onceServersCrash},
		{"rolling restart", onceRollingRestart},
		{"coordinator moves", onceCoordinatorMoves},
		{"leader frozen", onceLeaderFrozen},
		{"coordinator frozen", onceCoordinatorFrozen},
	} {
		t.Run(row.name, func(t *testing.T) {
			h.Reconnect(t, h.DB.Server)
			h.whole(t)
			h.start(t)
			w := h.write(t)
			h.goesOn(t)
			for range onceRounds {
				row.do(t, h)
				h.whole(t)
			}
			h.end(t, w)
		})
	}
}

// whole waits until every replica of every topic is in sync again.
func (h *onceHarness) whole(t *testing.T) {
	t.Helper()
	h.kafkaWhole(t, append(h.topics(), transactionState)...)
}

// coordinator is the broker that coordinates the relay's transactions.
func (h *onceHarness) coordinator(t *testing.T) *devstack.Broker {
	t.Helper()
	client, err := h.Kafka.Client()
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	b, err := client.TransactionCoordinator(h.Config.Delivery.TransactionalID)
	if err != nil {
		t.Fatal(err)
	}
	return h.Kafka.Broker(b.ID())
}

// Postgres crashes, the leader of a partition, the coordinator: each time the relay is killed
// too, before the server is back and after it.
func onceServersCrash(t *testing.T, h *onceHarness) {
	t.Helper()
	server := h.DB.Server
	for _, crash := range []func() error{
		func() error { return server.Kill(t.Context()) },
		func() error { return server.Stop(t.Context(), devstack.StopImmediate) },
	} {
		if err := crash(); err != nil {
			t.Fatal(err)
		}
		h.kill(t)
		if err := server.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.Reconnect(t, server)
		h.goesOn(t)
		h.kill(t)
		h.goesOn(t)
	}
	for _, victim := range []*devstack.Broker{h.leader(t, h.Topic, 0), h.coordinator(t)} {
		h.whole(t)
		if err := victim.Kill(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.kill(t)
		h.goesOn(t)
		h.kill(t)
		if err := victim.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.goesOn(t)
	}
}

// Every broker is stopped and started in turn, as in an upgrade.
func onceRollingRestart(t *testing.T, h *onceHarness) {
	t.Helper()
	for _, broker := range h.Kafka.Brokers() {
		if err := broker.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.kill(t)
		h.goesOn(t)
		if err := broker.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.kill(t)
		h.whole(t)
		h.goesOn(t)
	}
}

// Another broker becomes the coordinator, by election and because it is stopped. Each relay
// lives through one of both, and is killed then.
func onceCoordinatorMoves(t *testing.T, h *onceHarness) {
	t.Helper()
	for _, broker := range h.Kafka.Brokers() {
		h.lead(t, transactionState, broker)
		h.goesOn(t)
		h.kill(t)
	}
	stopped := h.coordinator(t)
	if err := stopped.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.goesOn(t)
	h.kill(t)
	if err := stopped.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.goesOn(t)
}

// The leader of a partition freezes with a transaction under way, the relay is killed, and
// its successor goes on without that broker. It wakes up with what lies in its sockets.
func onceLeaderFrozen(t *testing.T, h *onceHarness) {
	t.Helper()
	frozen := h.leader(t, h.Topic, 0)
	if err := frozen.Pause(); err != nil {
		t.Fatal(err)
	}
	h.kill(t)
	h.goesOn(t)
	if err := frozen.Resume(); err != nil {
		t.Fatal(err)
	}
	h.goesOn(t)
	h.kill(t)
}

// The coordinator freezes, and the relay does too: another takes over. When both wake up the
// first ends with 5, and what it had asked of the coordinator changes nothing.
func onceCoordinatorFrozen(t *testing.T, h *onceHarness) {
	t.Helper()
	frozen, old := h.coordinator(t), h.relay
	if err := frozen.Pause(); err != nil {
		t.Fatal(err)
	}
	old.Signal(t, syscall.SIGSTOP)
	h.start(t)
	h.goesOn(t)
	if err := frozen.Resume(); err != nil {
		t.Fatal(err)
	}
	old.Signal(t, syscall.SIGCONT)
	old.Exits(t, 5, "another relay has taken over")
	h.goesOn(t)
}
