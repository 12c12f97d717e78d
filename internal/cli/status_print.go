package cli

import (
	"fmt"
	"strings"

	"github.com/walpost/walpost/internal/relay"
)

// printStatuses writes a block per relay for people, a line of key=value else.
func printStatuses(out *printer, list []status) error {
	for _, st := range list {
		if out.human {
			out.block(st)
		} else {
			out.line("%s", st.plain())
		}
	}
	return out.err
}

// plain is the status in one line.
func (st status) plain() string {
	words := []string{"relay=" + st.Relay, "state=" + string(st.State)}
	if s := st.Slot; s != nil {
		words = append(words, "slot="+s.Name, fmt.Sprintf("active=%t", s.Active), "wal_status="+s.WALStatus,
			"confirmed_flush_lsn="+s.ConfirmedFlushLSN, "restart_lsn="+s.RestartLSN,
			fmt.Sprintf("lag_bytes=%d", s.LagBytes), fmt.Sprintf("retained_bytes=%d", s.RetainedBytes))
		if s.SafeWALBytes != nil {
			words = append(words, fmt.Sprintf("safe_wal_bytes=%d", *s.SafeWALBytes))
		}
	}
	if st.Reason != "" {
		words = append(words, fmt.Sprintf("reason=%q", st.Reason))
	}
	if st.Hint != "" {
		words = append(words, fmt.Sprintf("hint=%q", st.Hint))
	}
	return strings.Join(words, " ")
}

// block is the status for a person.
func (p *printer) block(st status) {
	color := doubt
	switch st.State {
	case relay.Streaming:
		color = good
	case relay.HaltedState:
		color = bad
	default:
	}
	p.line("%s  %s  %s", p.paint(bold, st.Relay), p.paint(color, string(st.State)), st.Reason)
	row := func(name, format string, args ...any) {
		p.line("  %s %s", p.paint(dimmed, fmt.Sprintf("%-14s", name)), fmt.Sprintf(format, args...))
	}
	if st.Hint != "" {
		row("hint", "%s", st.Hint)
	}
	s := st.Slot
	if s == nil {
		return
	}
	row("slot", "%s, wal_status %s", s.Name, s.WALStatus)
	row("confirmed", "%s, %s behind", s.ConfirmedFlushLSN, bytesText(s.LagBytes))
	row("restart", "%s", s.RestartLSN)
	row("WAL retained", "%s", bytesText(s.RetainedBytes))
	if s.SafeWALBytes != nil {
		row("until lost", "%s more WAL", bytesText(*s.SafeWALBytes))
	}
}

// bytesText is a number of bytes for people.
func bytesText(n int64) string {
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	value, units := float64(n), "KMGTPE"
	i := -1
	for value >= 1024 && i < len(units)-1 {
		value /= 1024
		i++
	}
	return fmt.Sprintf("%.1f %ciB", value, units[i])
}
