// Package wiring turns a configuration into the options of the other packages. It is
// the only one that knows both sides.
package wiring

import (
	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/status"
)

// The other packages take plain options; these files map a configuration to them,
// for the relay and for the commands.

// HintsOf are the hints for the relay of a configuration.
func HintsOf(cfg *config.Config) status.Hints {
	return status.Hints{File: cfg.File, Messages: cfg.Outbox.Messages()}
}
