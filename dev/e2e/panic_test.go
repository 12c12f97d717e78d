//go:build faults

package e2e_test

import (
	"strings"
	"syscall"
	"testing"

	"github.com/walpost/walpost/internal/crash"
	"github.com/walpost/walpost/internal/relay/relaytest"
)

// A panic in any goroutine ends the whole process, with Go's words for it and by a
// signal, so that a supervisor starts it again: no relay lives on by half. The next
// one goes on, and nothing is lost.
func TestRow70_PanicEndsTheProcess(t *testing.T) {
	for _, point := range []string{
		crash.Read,          // in the goroutine that reads from Postgres
		crash.BeforeProduce, // in that of a broker
		crash.Acknowledged,  // in that which takes Kafka's answers
	} {
		t.Run(point, func(t *testing.T) {
			h := newHarness(t, nil)
			walpost(t, "init", "-c", h.Config.File).Exits(t, 0)
			for n := range 20 {
				h.Exec(t, relaytest.Insert("k", n))
			}
			t.Setenv("WALPOST_CRASH", point+":1:panic")
			p := walpost(t, "run", "-c", h.Config.File)
			p.Exits(t, -1, "panic: crash point "+point, "goroutine ")
			if status, ok := p.Cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGABRT || status.CoreDump() {
				t.Errorf("it ended by %s, want SIGABRT and no core", p.Cmd.ProcessState)
			}
			if line, _, _ := strings.Cut(p.Log.String()[strings.Index(p.Log.String(), "panic: "):], "\n"); strings.Contains(line, "{") {
				t.Errorf("the line that says what happened is %q", line)
			}
			t.Setenv("WALPOST_CRASH", "")
			h.released(t)
			last := walpost(t, "run", "-c", h.Config.File)
			h.confirmed(t, last)
			last.Terminate(t)
			last.Exits(t, 0)
			h.compare(t)
		})
	}
}
