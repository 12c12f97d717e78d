package outboxtable

import (
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/status"
	"github.com/walpost/walpost/internal/wiring"
)

// TimeColumn returns the column with the time of a row: the one that was chosen, or
// outbox.timestamp. "" when there is neither.
func TimeColumn(cfg *config.Config, chosen string) string {
	if chosen != "" {
		return chosen
	}
	return cfg.Outbox.Timestamp
}

// CheckTimeColumn refuses a column that is not there or has no time.
func CheckTimeColumn(name string, cfg *config.Config, t *catalog.Table) error {
	c := t.Column(name)
	switch {
	case c == nil:
		return status.Usage("%s has no column %q", wiring.Table(cfg), name)
	case c.TypeOID != pgtype.TimestampOID && c.TypeOID != pgtype.TimestamptzOID:
		return status.Usage("column %q of %s is of type %s, and a time is a timestamp or timestamptz", name, wiring.Table(cfg), c.Type)
	default:
		return nil
	}
}
