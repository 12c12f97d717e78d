package daemon

import (
	"strings"

	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/safetext"
)

// statusLine summarises all relays in one line for `systemctl status`. Asking every
// relay is what proves that the process is alive: a relay that is stuck does not answer,
// systemd's watchdog gets no sign of life, and systemd restarts the process.
func (p *process) statusLine() string {
	var list []string
	for _, u := range p.relays {
		report := u.Report()
		line := report.Relay + ": " + string(report.State)
		if report.Reason != "" {
			line += ": " + safetext.TruncateName(report.Reason)
		}
		list = append(list, line)
	}
	return strings.Join(list, "; ")
}

// logNotifyError logs a notification that did not reach systemd.
func (p *process) logNotifyError(err error) {
	if err != nil {
		p.log.Warn("systemd was not notified", zap.Error(err))
	}
}
