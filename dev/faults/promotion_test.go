//go:build faults

package faults_test

import (
	"strings"
	"testing"

	"github.com/walpost/walpost/internal/status"
)

// In a failover the address may lead to the standby before it is promoted: the relay
// waits for the promotion instead of judging what it finds there.
func TestRow56_StandbyNotYetPromoted(t *testing.T) {
	t.Parallel()
	p := newPair(t, nil)
	p.configure(t, "synchronized_standby_slots = 'phys'")
	b, a := newPairBench(t, p, true)
	b.start(t)
	p.synced(t, b)
	b.confirmed(t)
	if err := p.primary.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.lead(t, p.standby)
	b.until(t, "the relay to meet the standby", func() bool { return strings.Contains(b.relay.Status().Reason, "standby") })
	p.promoteOnly(t, b, a)
	b.exec(t, inserts(1, 50))
	b.confirmed(t)
	b.exactlyOnce(t)
	b.end(t)
}

// A start that is led to a standby by mistake refuses in words.
func TestRow62_StandbyByMistake(t *testing.T) {
	t.Parallel()
	p := newPair(t, nil)
	b, a := newPairBench(t, p, false)
	p.walreceiver(t)
	a.lead(t, p.standby)
	b.launch(t)
	b.halts(t, status.ExitRequirement, "standby", "primary")
}
