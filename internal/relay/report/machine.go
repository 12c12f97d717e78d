package report

import (
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/safetext"
	"github.com/walpost/walpost/internal/status"
)

// Machine holds the state of a relay, and logs each change once.
type Machine struct {
	log   *zap.Logger
	relay string
	lsn   func() pgoutput.LSN // up to which everything is in Kafka; 0: unknown

	mu     sync.Mutex
	status status.Status
}

// NewMachine returns the machine of a relay that connects. lsn returns the LSN up to which
// everything is in Kafka, 0 when it is unknown.
func NewMachine(relay string, log *zap.Logger, lsn func() pgoutput.LSN) *Machine {
	return &Machine{log: log, relay: relay, lsn: lsn, status: status.Status{Relay: relay, State: status.Connecting, Since: time.Now()}}
}

// Set changes the state. Setting the same state again changes no time and logs nothing.
func (m *Machine) Set(s status.State, reason, hint string) {
	m.Change(s, reason, hint, status.States())
}

// Change is Set, if the present state is one of the given ones.
func (m *Machine) Change(s status.State, reason, hint string, from []status.State) {
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

// Swap changes the state when it is one of the given ones.
func (m *Machine) Swap(s status.State, reason string, from ...status.State) {
	m.Change(s, reason, "", from)
}

// Status returns the state with its reason.
func (m *Machine) Status() status.Status {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.status
}
