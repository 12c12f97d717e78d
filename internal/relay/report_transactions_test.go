package relay_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap/zaptest"

	"github.com/walpost/walpost/internal/relay"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/reposition"
	"github.com/walpost/walpost/internal/status"
)

// A Kafka transaction that stays open is a condition, however often it is given up and written again, until it is
// committed. Several that were aborted stay one.
func TestConditionsOfTransactions(t *testing.T) {
	t.Parallel()
	h := newHarness(t, relaytest.Options{Keys: exactlyOnce()})
	var way cable
	h.Prepare = func(r *relay.Relay) {
		r.DialKafka(way.dial)
		r.SetPatience(4 * time.Second)
		r.SetTransactionTimeout(3 * time.Second)
	}
	h.Start(t)
	h.Exec(t, relaytest.Insert("k", 1))
	h.Confirmed(t)
	h.untilConditions(t)
	h.Until(t, "a transaction", func() bool { return h.Report("").Transactions.Committed > 0 })
	if report := h.Report("").Transactions; report.ID != "walpost-"+h.Prefix || report.Aborted != 0 || report.OpenSeconds != 0 {
		t.Errorf("%+v", report)
	}

	way.cut.Store(true)
	h.Exec(t, relaytest.Insert("k", 2))
	h.Until(t, "an open transaction", func() bool { return h.Report("").Transactions.OpenSeconds > 0 })
	h.Until(t, "the condition, while it is open", func() bool { return slices.Contains(h.conditions(), status.ConditionUncommitted) })
	h.Until(t, "aborted transactions", func() bool { return slices.Contains(h.conditions(), status.ConditionAborted) })
	for _, c := range h.Report("").Conditions {
		if c.Name == status.ConditionAborted && !strings.Contains(c.Hint, "not every partition has acknowledged") {
			t.Errorf("%+v", c)
		}
	}
	if !slices.Contains(h.conditions(), status.ConditionUncommitted) || h.Report("").Transactions.Aborted < 3 {
		t.Errorf("%q, %+v", h.conditions(), h.Report("").Transactions)
	}
	way.cut.Store(false)
	h.untilConditions(t, status.ConditionAborted)
	h.Until(t, "no open transaction", func() bool { return h.Report("").Transactions.OpenSeconds == 0 })
	h.Confirmed(t)
	h.Stop(t)
	once(t, h)
}

// A relay after which another has written has halted, and nobody has to decide anything.
func TestConditionOfAFencedRelay(t *testing.T) {
	t.Parallel()
	h := newHarness(t, relaytest.Options{Keys: exactlyOnce()})
	h.Start(t)
	h.Exec(t, relaytest.Insert("k", 1))
	h.Confirmed(t)
	slot, _, err := reposition.Slot(t.Context(), h.Config)
	if err != nil {
		t.Fatal(err)
	}
	if err := reposition.Set(t.Context(), h.Config, slot.First("elsewhere"), zaptest.NewLogger(t)); err != nil {
		t.Fatal(err)
	}
	h.Exec(t, relaytest.Insert("k", 2))
	h.Halts(t, status.ExitFenced, "another relay has taken over: it runs on host elsewhere", "delivery.transactional_id")
	report := h.Report("")
	if len(report.Conditions) != 1 || report.Conditions[0].Name != status.ConditionFenced || report.Ready() ||
		report.Transactions.OpenSeconds != 0 {
		t.Errorf("%+v", report)
	}
}

// cable is the way of records to Kafka. While it is cut, each connection breaks at the first request to write records;
// all other requests pass.
type cable struct{ cut atomic.Bool }

func (c *cable) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, addr)
	return cableConn{conn, c}, err
}

type cableConn struct {
	net.Conn
	cable *cable
}

func (c cableConn) Write(b []byte) (int, error) {
	const produce = 0 // its key, after the length
	if len(b) > 6 && binary.BigEndian.Uint16(b[4:]) == produce && c.cable.cut.Load() {
		return 0, errors.Join(io.ErrClosedPipe, c.Close())
	}
	return c.Conn.Write(b)
}
