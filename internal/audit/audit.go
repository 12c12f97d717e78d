// Package audit answers whether the topics hold what the outbox table holds: it compares
// ids, and says which are missing, which no row has, and which wait in the slot.
//
// It knows the table, the slot and the topics, and changes none of them. It must not know
// the relay, nor flags.
package audit

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/kafka"
	"github.com/walpost/walpost/internal/outboxtable"
	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/status"
	"github.com/walpost/walpost/internal/wiring"
)

// Options says what to compare.
type Options struct {
	Config       *config.Config
	Since, Until time.Time     // zero: open. Since is in the range, Until is not
	TimeColumn   string        // of the rows; "" is outbox.timestamp
	Topics       []string      // beside those that the table's rows lead to
	Examples     int           // how many ids of each kind are reported
	Wait         time.Duration // how long a relay that is at work may take to confirm what the table has
}

// Report is how the ids in the outbox table and in the topics compare.
type Report struct {
	Relay       string   `json:"relay"`
	Rows        int64    `json:"rows"`    // of the range
	Records     int64    `json:"records"` // read, with an id
	Missing     int64    `json:"missing"` // rows in no topic
	MissingIDs  []string `json:"missing_ids"`
	Phantom     int64    `json:"phantom"` // ids of the range in a topic and not in the table
	PhantomIDs  []string `json:"phantom_ids"`
	InFlight    int64    `json:"in_flight"`    // rows that wait in the slot: not missing
	DeadLetters int64    `json:"dead_letters"` // records read from dead-letter topics
	Repeats     int64    `json:"repeats"`      // records beyond the first of a row
	Topics      []string `json:"topics"`
	LSN         string   `json:"lsn"` // the table was read as of here
	// Settled is false when what is missing may be on its way still: the slot was
	// not confirmed up to LSN in time, and could not be looked into.
	Settled bool     `json:"settled"`
	Notes   []string `json:"notes"`
}

// Equal reports whether nothing is missing and nothing is too much.
func (r *Report) Equal() bool { return r.Missing == 0 && r.Phantom == 0 }

// audit is one comparison.
type audit struct {
	Options

	conn      *pgx.Conn
	table     *catalog.Table
	id        *idReader
	relation  *pgoutput.Relation // the id column alone
	rows      *idSet
	waiting   map[idHash]bool // ids in the slot
	unknown   map[idHash]string
	report    *Report
	shortened []string // topics whose first records are gone
}

// Run compares. It reads the table before the topics, so that what is missing
// was committed before they were read, and once more after them, so that what is
// a phantom was not committed until then.
func Run(ctx context.Context, o Options) (*Report, error) {
	if err := outboxtable.Require(o.Config, "compare with what the services know of their events"); err != nil {
		return nil, err
	}
	a := newAudit(o)
	client, err := kafka.Connect(ctx, wiring.Kafka(o.Config))
	if err != nil {
		return nil, err
	}
	client.Close()
	if a.conn, err = wiring.Target(o.Config).Connect(ctx); err != nil {
		return nil, err
	}
	defer postgres.HangUp(ctx, a.conn)
	if err := a.prepare(ctx); err != nil {
		return nil, err
	}
	for _, step := range []func(context.Context) error{a.readTable, a.settle, a.readTopics, a.readTableAgain} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return a.report, nil
}

func newAudit(o Options) *audit {
	return &audit{
		Options: o, waiting: map[idHash]bool{}, unknown: map[idHash]string{},
		report: &Report{
			Relay: o.Config.Name, Settled: true,
			MissingIDs: []string{}, PhantomIDs: []string{}, Topics: []string{}, Notes: []string{},
		},
	}
}

// prepare checks the options against the table.
func (a *audit) prepare(ctx context.Context) error {
	cfg := a.Config
	var err error
	if a.table, err = outboxtable.Inspect(ctx, a.conn, cfg); err != nil {
		return err
	}
	if a.table.Column(cfg.Outbox.ID) == nil {
		return &status.Halt{
			Code: status.ExitRequirement, Hint: "see outbox.id",
			Reason: fmt.Sprintf("%s has no column %q", wiring.Table(cfg), cfg.Outbox.ID),
		}
	}
	if name := a.timeColumn(); name != "" {
		if err := outboxtable.CheckTimeColumn(name, cfg, a.table); err != nil {
			return err
		}
	} else if !a.Since.IsZero() || !a.Until.IsZero() {
		return status.Usage("--since and --until need a column with the time of a row: give --time-column, or set outbox.timestamp")
	}
	if a.relation, err = outboxtable.Relation(cfg, a.table, cfg.Outbox.ID); err != nil {
		return err
	}
	if a.id, err = newIDReader(cfg.Outbox.ID, wiring.Mapping(cfg).Format.Headers); err != nil {
		return err
	}
	a.report.Topics, err = a.topics(ctx)
	return err
}

func (a *audit) timeColumn() string { return outboxtable.TimeColumn(a.Config, a.TimeColumn) }

func (r *Report) note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}
