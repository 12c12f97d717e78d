package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/status"
)

// printStatuses writes a block per relay for people, a line of key=value else.
func printStatuses(out *printer, list []status.Report) error {
	for i := range list {
		if out.human {
			out.block(&list[i])
		} else {
			out.line("%s", plain(&list[i]))
		}
	}
	return out.err
}

// plain is the status in one line.
func plain(st *status.Report) string {
	words := []string{"relay=" + st.Relay, "state=" + string(st.State)}
	if s := st.Slot; s != nil {
		words = append(words, "slot="+s.Name, fmt.Sprintf("active=%t", s.Active), "wal_status="+s.WALStatus,
			"confirmed_flush_lsn="+lsnText(s.ConfirmedFlushLSN), "restart_lsn="+lsnText(s.RestartLSN),
			fmt.Sprintf("retained_bytes=%d", s.RetainedBytes))
		if s.SafeWALBytes != nil {
			words = append(words, fmt.Sprintf("safe_wal_bytes=%d", *s.SafeWALBytes))
		}
	}
	if st.LagBytes != nil {
		words = append(words, fmt.Sprintf("lag_bytes=%d", *st.LagBytes))
	}
	if st.LagSeconds != nil {
		words = append(words, fmt.Sprintf("lag_seconds=%.3f", *st.LagSeconds))
	}
	if f := st.InFlight; f != nil {
		words = append(words, fmt.Sprintf("in_flight_events=%d in_flight_bytes=%d", f.Events, f.Bytes))
	}
	if t := st.Transactions; t != nil {
		words = append(words, fmt.Sprintf("transactions_committed=%d transactions_aborted=%d transaction_open_seconds=%.3f",
			t.Committed, t.Aborted, t.OpenSeconds))
	}
	var names []string
	for _, c := range st.Conditions {
		names = append(names, c.Name)
	}
	if len(names) > 0 {
		words = append(words, "conditions="+strings.Join(names, ","))
	}
	if st.Reason != "" {
		words = append(words, fmt.Sprintf("reason=%q", st.Reason))
	}
	if st.Hint != "" {
		words = append(words, fmt.Sprintf("hint=%q", st.Hint))
	}
	return strings.Join(words, " ")
}

func (p *printer) row(name, format string, args ...any) {
	p.line("  %s %s", p.paint(styleDim, fmt.Sprintf("%-14s", name)), say(format, args...))
}

// block is the status for a person.
func (p *printer) block(st *status.Report) {
	color := styleWarning
	switch st.State {
	case status.Streaming:
		color = styleOK
	case status.HaltedState, status.KafkaUnavailable, status.Hibernating:
		color = styleError
	default:
	}
	title := []safe{p.paint(styleBold, st.Relay), p.paint(color, string(st.State))}
	if st.Since != nil {
		title = append(title, p.paint(styleDim, "for "+ageText(time.Since(*st.Since))))
	}
	p.line("%s", joined(title, "  "))
	if st.Reason != "" {
		p.row("reason", "%s", st.Reason)
	}
	if st.Hint != "" {
		p.row("hint", "%s", st.Hint)
	}
	p.slotRows(st)
	p.flowRows(st)
	for _, c := range st.Conditions {
		color := styleWarning
		if c.Severity == status.Critical {
			color = styleError
		}
		p.row("condition", "%s  %s", p.paint(color, c.Name), c.Hint)
	}
	if e := st.LastError; e != nil {
		p.row("last error", "%s ago: %s", ageText(time.Since(e.At)), e.Text)
	}
}

func (p *printer) slotRows(st *status.Report) {
	s := st.Slot
	if s == nil {
		return
	}
	p.row("slot", "%s, wal_status %s", s.Name, s.WALStatus)
	if st.LagBytes != nil {
		p.row("confirmed", "%s, %s behind", lsnText(s.ConfirmedFlushLSN), bytesText(*st.LagBytes))
	} else {
		p.row("confirmed", "%s", lsnText(s.ConfirmedFlushLSN))
	}
	p.row("restart", "%s", lsnText(s.RestartLSN))
	p.row("WAL retained", "%s", bytesText(s.RetainedBytes))
	if s.SafeWALBytes != nil {
		p.row("until lost", "%s more WAL", bytesText(*s.SafeWALBytes))
	}
}

// lsnText returns the position as Postgres prints it, "" where there is none.
func lsnText(lsn pgoutput.LSN) string {
	if lsn == 0 {
		return ""
	}
	return lsn.String()
}

// flowRows are what only a running relay knows.
func (p *printer) flowRows(st *status.Report) {
	if st.LagSeconds != nil {
		p.row("lag", "%.1f s", *st.LagSeconds)
	}
	if f := st.InFlight; f != nil {
		p.row("in flight", "%d events, %s", f.Events, bytesText(f.Bytes))
	}
	if t := st.Transactions; t != nil {
		p.row("transactions", "%d committed, %d aborted, %s", t.Committed, t.Aborted, openText(t.OpenSeconds))
	}
	for _, t := range st.Topics {
		p.row("topic", "%s  %d published", t.Topic, t.Published)
	}
	for _, r := range st.Rejected {
		p.row("rejected", "%s  %d %s", r.Topic, r.Events, r.Reason)
	}
	for _, g := range st.ConsumerGroups {
		p.row("group", "%s  %d of %s to read", g.Group, g.Records, g.Topic)
	}
}

// openText says how long a Kafka transaction has been open.
func openText(seconds float64) string {
	if seconds <= 0 {
		return "none open"
	}
	return "one open for " + ageText(time.Duration(seconds*float64(time.Second)))
}

// ageText is a duration for people.
func ageText(d time.Duration) string {
	if d < time.Minute {
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
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
