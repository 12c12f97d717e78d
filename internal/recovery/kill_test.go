package recovery_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/recovery"
)

// TestRecoverKilledAtEachStage: whenever a recovery is killed, the relay halts
// until another one was through, and nothing is lost.
func TestRecoverKilledAtEachStage(t *testing.T) {
	t.Parallel()
	for stage, name := range map[recovery.Stage]string{
		recovery.Begun: "before the slot", recovery.Created: "after the slot", recovery.Publishing: "while publishing",
		recovery.Published: "before the swap", recovery.Dropped: "between drop and copy", recovery.Copied: "after the copy",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.relayFirst(t)
			f.db.Exec(t, fill("a", 1001, 3000))
			f.db.Exec(t, "SELECT pg_drop_replication_slot('"+f.cfg.Postgres.Slot+"')")
			f.kill(t, stage)
			temporary := recovery.Temporary(f.cfg.Postgres.Slot)
			if left := strings.Contains(f.slots(t), temporary); left != (stage > recovery.Begun) {
				t.Errorf("slots: %s", f.slots(t))
			}
			f.db.Exec(t, fill("a", 3001, 3500))
			repeats := 1000
			if stage < recovery.Copied {
				f.halts(t)
				f.recover(t, recovery.Selection{All: true}, false)
				if stage > recovery.Begun {
					repeats = -1 // and some of those that the killed one published
				}
				if stage >= recovery.Published {
					repeats = 1000 + 3000
				}
			} else {
				if result := f.recover(t, recovery.Selection{All: true}, false); result.Rows != 0 {
					t.Errorf("%+v, want the leftover gone and nothing else", result)
				}
			}
			f.relay(t)
			if report := f.exact(t); repeats >= 0 && report.Repeats != repeats {
				t.Errorf("%d repeats, want %d: %v", report.Repeats, repeats, report)
			}
			if got := f.slots(t); strings.Contains(got, temporary) {
				t.Errorf("slots %s", got)
			}
		})
	}
}

// relayFirst makes slot and publication and relays the first events.
func (f *fixture) relayFirst(t *testing.T) {
	t.Helper()
	f.recover(t, recovery.Selection{All: true}, false)
	f.db.Exec(t, fill("a", 1, 1000))
	f.relay(t)
}

// kill runs a recovery in a process of its own, which kills itself at the stage.
func (f *fixture) kill(t *testing.T, stage recovery.Stage) {
	t.Helper()
	cmd := devstacktest.Again(t, killFile+"="+f.cfg.File, killStage+"="+strconv.Itoa(int(stage)))
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != -1 {
		t.Fatalf("not killed: %v\n%s", err, out)
	}
	devstacktest.Await(t, "the server to notice", func() bool {
		return devstacktest.Value[int](t, f.db.Conn, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())") == 0
	})
}
