package cli

import (
	"strings"

	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/told"
)

// words is what the relays do, in a line for `systemctl status`. Asking them all
// is what proves the process alive: one that is stuck does not answer, systemd's
// watchdog hears nothing, and restarts the process.
func (p *process) words() string {
	var list []string
	for _, m := range p.members {
		report := m.Report()
		line := report.Relay + ": " + string(report.State)
		if report.Reason != "" {
			line += ": " + told.Name(report.Reason)
		}
		list = append(list, line)
	}
	return strings.Join(list, "; ")
}

// told logs what kept systemd from being told something.
func (p *process) told(err error) {
	if err != nil {
		p.log.Warn("systemd could not be told", zap.Error(err))
	}
}
