package e2e_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/walpost/walpost/internal/relay/relaytest"
)

// Of two processes on one slot the second stands by, and takes over when the
// first is gone.
func TestStandbyTakesOver(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	first := walpost(t, "run", "-c", h.Config.File)
	first.Ready(t)
	second := walpost(t, "run", "-c", h.Config.File)
	second.standsBy(t)
	h.Exec(t, relaytest.Insert("k", 1))
	h.confirmed(t, first)

	first.Kill(t)
	killed := time.Now()
	h.Exec(t, relaytest.Insert("k", 2))
	second.Ready(t)
	h.confirmed(t, second)
	took := time.Since(killed)
	t.Logf("took over within %v", took)
	if took > 30*time.Second {
		t.Errorf("%v until the standby had taken over", took)
	}

	third := walpost(t, "run", "-c", h.Config.File)
	third.standsBy(t)
	third.Terminate(t)
	asked := time.Now()
	third.Exits(t, 0)
	if took := time.Since(asked); took > 20*time.Second { // shutdown_timeout is 30 s
		t.Errorf("%v until the standby had ended", took)
	}

	second.Terminate(t) // an orderly end is taken over too, and repeats nothing
	fourth := walpost(t, "run", "-c", h.Config.File)
	second.Exits(t, 0)
	h.Exec(t, relaytest.Insert("k", 3))
	fourth.Ready(t)
	h.confirmed(t, fourth)
	if r := h.compare(t); r.Records != 3 {
		t.Errorf("%v", r)
	}
}

// standsBy waits until a process says that another one reads its slot.
func (p *process) standsBy(t *testing.T) {
	t.Helper()
	p.Until(t, "standby", func() bool {
		code, body := p.Get(t, "/readyz")
		return code == http.StatusServiceUnavailable && strings.Contains(body, ": standby: ")
	})
}
