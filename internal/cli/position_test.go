package cli_test

import (
	"testing"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/cli/clitest"
	"github.com/walpost/walpost/internal/relay/relaytest"
)

// The position is made by init, checked by check, shown by position, and set after a
// decision: the way from at_least_once to exactly_once and back, as docs/delivery.md has it.
func TestPosition(t *testing.T) {
	t.Parallel()
	s := newSetup(t, nil)
	s.db.Exec(t, relaytest.OutboxDDL)
	if err := stack.Kafka(t).CreateTopic(t.Context(), s.prefix+".order", 2, 1, nil); err != nil {
		t.Fatal(err)
	}
	publish := func(file string, n int) {
		t.Helper()
		r := clitest.Start(t, "run", "-c", file)
		r.Writes(t, `"msg":"streaming"`)
		s.db.Exec(t, insert("order", "k", n))
		r.Until(t, "the slot to be confirmed", devstacktest.Confirmed(t, s.db.Conn, "walpost_"+s.db.Name))
		r.Terminate(t)
		r.Exits(t, 0)
	}
	walpost(t, "init", "-c", s.file).want(t, 0)
	publish(s.file, 1)
	walpost(t, "position", "-c", s.file).want(t, 2, "only exactly_once has a position")

	exact := s.write(t, keys{"delivery.guarantee": "exactly_once", "delivery.position_topic": "PREFIX.positions"})
	walpost(t, "check", "-c", exact).want(t, 3, "topic of positions", "it does not exist")
	walpost(t, "init", "-c", exact).want(t, 0, "created topic "+s.prefix+".positions", "cleanup.policy compact",
		"missing position", "--set slot")
	walpost(t, "position", "-c", exact).want(t, 3, "there is no position of the slot in Kafka")
	walpostWith(t, "no\n", "position", "-c", exact, "--set", "slot").want(t, 2, "not confirmed")
	walpost(t, "position", "-c", exact, "--set", "0/1", "--yes").want(t, 2, "lies before")
	walpost(t, "position", "-c", exact, "--set", "FFFF/0", "--yes").want(t, 2, "lies beyond", "would not be published")
	walpost(t, "position", "-c", exact).want(t, 3, "there is no position of the slot in Kafka")
	walpostWith(t, "yes\n", "position", "-c", exact, "--set", "slot").want(t, 0, "set the position")
	walpost(t, "check", "-c", exact).want(t, 0, "transactional id walpost-", "may use it", "longest transaction")
	publish(exact, 2)
	walpost(t, "position", "-c", exact).want(t, 0, "the relay continues after the last event", "written by")
	walpost(t, "position", "-c", exact, "--json").want(t, 0, `"goes_on": true`, `"ordinal": 1`)
	walpost(t, "audit", "-c", exact).want(t, 0)

	publish(s.file, 3)
	walpost(t, "position", "-c", exact).want(t, 3, "the slot was advanced by somebody else")
	walpost(t, "position", "-c", exact, "--set", "slot", "--yes").want(t, 0)
	publish(exact, 4)
	if n := len(records(t, s.prefix+".order")); n != 4 {
		t.Errorf("%d records, want 4: each event once", n)
	}
}
