package recover_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/config/configtest"
	"github.com/walpost/walpost/internal/recover"
	"github.com/walpost/walpost/internal/recover/recovertest"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/reposition"
)

// TestRecoverKilledAtEachStage: whenever a recovery is killed, the relay halts
// until another one was through, and nothing is lost.
func TestRecoverKilledAtEachStage(t *testing.T) {
	t.Parallel()
	for stage, name := range map[recover.Stage]string{
		recover.Begun: "before the slot", recover.Created: "after the slot", recover.Publishing: "while publishing",
		recover.Published: "before the swap", recover.Dropped: "between drop and copy", recover.Copied: "after the copy",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := recovertest.New(t, &stack, nil)
			f.DeliverFirst(t)
			f.Exec(t, recovertest.Fill("a", 1001, 3000))
			f.Exec(t, "SELECT pg_drop_replication_slot('"+f.Config.Postgres.Slot+"')")
			kill(t, f, stage)
			temporary := recover.TemporaryName(f.Config.Postgres.Slot)
			if left := strings.Contains(f.Slots(t), temporary); left != (stage > recover.Begun) {
				t.Errorf("slots: %s", f.Slots(t))
			}
			f.Exec(t, recovertest.Fill("a", 3001, 3500))
			repeats := 1000
			if stage < recover.Copied {
				f.HaltsAtStart(t)
				f.Recover(t, recover.Selection{All: true}, false)
				if stage > recover.Begun {
					repeats = -1 // and some of those that the killed one published
				}
				if stage >= recover.Published {
					repeats = 1000 + 3000
				}
			} else {
				if result := f.Recover(t, recover.Selection{All: true}, false); result.Rows != 0 {
					t.Errorf("%+v, want the leftover gone and nothing else", result)
				}
			}
			f.Deliver(t)
			if report := f.Exact(t); repeats >= 0 && report.Repeats != repeats {
				t.Errorf("%d repeats, want %d: %v", report.Repeats, repeats, report)
			}
			if got := f.Slots(t); strings.Contains(got, temporary) {
				t.Errorf("slots %s", got)
			}
		})
	}
}

// kill runs a recovery in a process of its own, which kills itself at the stage.
func kill(t *testing.T, f *recovertest.Fixture, stage recover.Stage) {
	t.Helper()
	cmd := devstacktest.Again(t, killFile+"="+f.Config.File, killStage+"="+strconv.Itoa(int(stage)),
		killFirst+"="+strconv.FormatBool(f.First))
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != -1 {
		t.Fatalf("not killed: %v\n%s", err, out)
	}
	devstacktest.Await(t, "the server to notice", func() bool {
		return devstacktest.Value[int](t, f.DB.Conn,
			"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = "+
				"(SELECT oid FROM pg_database WHERE datname = current_database())") == 0
	})
}

// With exactly_once a relay needs the position of the new slot: a recovery that was killed before it has written that is
// ended by the next one, which publishes nothing.
func TestExactlyOnceRecoverKilledAtItsEnd(t *testing.T) {
	t.Parallel()
	for stage, name := range map[recover.Stage]string{recover.Copied: "before the position", recover.Positioned: "after the position"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := recovertest.New(t, &stack, configtest.Keys{
				"delivery.guarantee": "exactly_once", "delivery.position_topic": relaytest.Prefix + ".positions",
			})
			f.DeliverFirst(t)
			f.Exec(t, recovertest.Fill("a", 1001, 1010), "SELECT pg_drop_replication_slot('"+f.Config.Postgres.Slot+"')")
			kill(t, f, stage)
			f.Exec(t, recovertest.Fill("a", 1011, 1020))
			if stage == recover.Copied {
				f.HaltsAtStart(t)
			}
			if result := f.Recover(t, recover.Selection{All: true}, false); result.Rows != 0 || result.StreamsFrom == "" {
				t.Errorf("%+v, want nothing published", result)
			}
			f.Deliver(t)
			if report := f.Exact(t); report.Repeats != 1000 {
				t.Errorf("%v, want the 1000 to repeat that were published before", report)
			}
			if got := f.Slots(t); strings.Contains(got, recover.TemporaryName(f.Config.Postgres.Slot)) {
				t.Errorf("slots %s", got)
			}
		})
	}
}

// The position may be of another life of the server: a state of it that was restored reaches the same LSNs again with
// other events. None of them may be taken for published.
func TestExactlyOnceRecoverReplacesAPositionAhead(t *testing.T) {
	t.Parallel()
	f := recovertest.New(t, &stack, configtest.Keys{
		"delivery.guarantee": "exactly_once", "delivery.position_topic": relaytest.Prefix + ".positions",
	})
	f.DeliverFirst(t)
	slot, _, err := reposition.Slot(t.Context(), f.Config)
	if err != nil {
		t.Fatal(err)
	}
	const ahead = 2 << 20
	slot.Confirmed = slot.Flushed + ahead
	if err := reposition.Set(t.Context(), f.Config, slot.First("elsewhere"), recovertest.Logger(t)); err != nil {
		t.Fatal(err)
	}
	f.DropSlot(t)
	r, plan, err := f.Open(t, recover.Selection{All: true}, false)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close(t.Context())
	_, err = r.Run(t.Context(), plan, func(s recover.Stage, _ recover.Result) {
		if s == recover.Published {
			f.Exec(t, recovertest.Fill("a", 1001, 1010),
				fmt.Sprintf("SELECT pg_logical_emit_message(false, 'x', repeat('x', %d))", 2*ahead))
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	f.Deliver(t)
	if report := f.Exact(t); report.Repeats != 1000 {
		t.Errorf("%v, want the 1000 to repeat that were published before", report)
	}
}
