package relay

import "github.com/walpost/walpost/internal/config"

// The other packages take plain options; these files map a configuration to them,
// for the relay and for the commands.

// HintsOf are the hints for the relay of a configuration.
func HintsOf(cfg *config.Config) Hints {
	return Hints{File: cfg.File, Messages: cfg.Outbox.Messages()}
}
