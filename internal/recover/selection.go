package recover

import (
	"cmp"
	"time"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/outboxtable"
	"github.com/walpost/walpost/internal/pgname"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/status"
	"github.com/walpost/walpost/internal/wiring"
)

// Selection says which rows of the outbox table are meant: one of All, Since and
// AfterID.
type Selection struct {
	All     bool
	Since   time.Time // rows whose time is this or later, or NULL
	AfterID string    // rows whose id is greater, as the column's type compares
	// TimeColumn is the column that Since is compared with and that orders the
	// rows; "" is outbox.timestamp.
	TimeColumn string
	// Order is the column that orders the rows of a first start; "" is outbox.timestamp, or
	// else the time that outbox.prune goes by.
	Order string
}

func (s Selection) timeColumn(cfg *config.Config) string {
	return outboxtable.TimeColumn(cfg, s.TimeColumn)
}

// String returns the selection in words.
func (s Selection) String() string {
	switch {
	case !s.Since.IsZero():
		return "since " + s.Since.UTC().Format(time.RFC3339Nano)
	case s.AfterID != "":
		return "with an id after " + s.AfterID
	default:
		return "all"
	}
}

// validate checks the selection against the table.
func (s Selection) validate(cfg *config.Config, t *catalog.Table) error {
	chosen := 0
	for _, c := range []bool{s.All, !s.Since.IsZero(), s.AfterID != ""} {
		if c {
			chosen++
		}
	}
	if chosen != 1 {
		return status.Usage("which rows may be missing? Give one of --since, --after-id and --all")
	}
	if s.Order != "" && t.Column(s.Order) == nil {
		return status.Usage("--order: %s has no column %q", wiring.Table(cfg), s.Order)
	}
	name := s.timeColumn(cfg)
	if name == "" {
		if !s.Since.IsZero() {
			return status.Usage("--since needs a column with the time of a row: give --time-column, or set outbox.timestamp")
		}
		return nil
	}
	return outboxtable.CheckTimeColumn(name, cfg, t)
}

// query returns the query of the selection.
func (s Selection) query(cfg *config.Config, t *catalog.Table) *outboxtable.Query {
	q, column := outboxtable.NewQuery(cfg, t), s.timeColumn(cfg)
	switch {
	case !s.Since.IsZero():
		q.FromOrNull(column, s.Since)
	case s.AfterID != "":
		q.Where(pgname.Quote(cfg.Outbox.ID), ">", s.AfterID)
	}
	q.Sort(cmp.Or(s.Order, column), s.AfterID != "")
	return q
}
