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
	h, a := newPairHarness(t, p, true)
	h.Start(t)
	p.synced(t, h)
	h.Confirmed(t)
	if err := p.primary.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.lead(t, p.standby)
	h.Until(t, "the relay to meet the standby", func() bool { return strings.Contains(h.Status().Reason, "standby") })
	p.promoteOnly(t, h, a)
	h.Exec(t, inserts(1, 50))
	h.Confirmed(t)
	h.exactlyOnce(t)
	h.Stop(t)
}

// A start that is led to a standby by mistake refuses in words.
func TestRow62_StandbyByMistake(t *testing.T) {
	t.Parallel()
	p := newPair(t, nil)
	h, a := newPairHarness(t, p, false)
	p.walreceiver(t)
	a.lead(t, p.standby)
	h.Launch(t)
	h.Halts(t, status.ExitRequirement, "standby", "primary")
}
