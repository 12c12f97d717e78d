package relay

import (
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/safetext"
	"github.com/walpost/walpost/internal/status"
)

// machine holds the state and logs each change once.
type machine struct {
	log   *zap.Logger
	relay string
	lsn   func() pgoutput.LSN // up to which all is in Kafka; 0: not known

	mu     sync.Mutex
	status status.Status
}

func newMachine(relay string, log *zap.Logger, lsn func() pgoutput.LSN) *machine {
	return &machine{log: log, relay: relay, lsn: lsn, status: status.Status{Relay: relay, State: status.Connecting, Since: time.Now()}}
}

// set changes the state. A state that is set again keeps its time and is not logged.
func (m *machine) set(s status.State, reason, hint string) {
	m.change(s, reason, hint, status.States())
}

// change is set, as long as the state is one of the given ones.
func (m *machine) change(s status.State, reason, hint string, from []status.State) {
	reason, hint = safetext.Escape(safetext.TruncateText(reason)), safetext.EscapeLines(safetext.TruncateText(hint))
	m.mu.Lock()
	if !slices.Contains(from, m.status.State) {
		m.mu.Unlock()
		return
	}
	same := m.status.State == s
	before, since := m.status.State, m.status.Since
	if !same {
		m.status.Since = time.Now()
	}
	m.status.State, m.status.Reason, m.status.Hint = s, reason, hint
	m.mu.Unlock()
	if same {
		return
	}
	fields := []zap.Field{
		zap.String("state", string(s)), zap.String("before", string(before)),
		zap.Duration("after", time.Since(since).Round(time.Millisecond)),
	}
	if lsn := m.lsn(); lsn > 0 {
		fields = append(fields, zap.Stringer("confirmed_lsn", lsn))
	}
	if reason != "" {
		fields = append(fields, zap.String("reason", reason))
	}
	if hint != "" {
		fields = append(fields, zap.String("hint", hint))
	}
	m.log.Info("state changed", fields...)
}

// swap changes the state only when it is one of the given ones.
func (m *machine) swap(s status.State, reason string, from ...status.State) {
	m.change(s, reason, "", from)
}

func (m *machine) get() status.Status {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.status
}
