package replay

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/outboxtable"
	"github.com/walpost/walpost/internal/pgname"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/republish"
	"github.com/walpost/walpost/internal/status"
	"github.com/walpost/walpost/internal/wiring"
)

// Range says which rows of the outbox table are published again. All, or at least
// one bound.
type Range struct {
	All        bool
	From, To   time.Time // zero: open. From is in the range, To is not
	FromID     string    // "": open. Both are in the range, as the column's type compares
	ToID       string
	Key        string // "": of every key
	TimeColumn string // "" is outbox.timestamp
}

// validate checks the range against the table.
func (r *Range) validate(cfg *config.Config, t *catalog.Table) error {
	bounded := !r.From.IsZero() || !r.To.IsZero() || r.FromID != "" || r.ToID != ""
	if r.All == bounded {
		return status.Usage("which rows? Give --all, or a range: --from, --to, --from-id, --to-id")
	}
	if r.Key != "" {
		if err := checkKey(cfg.Outbox.Key, r.Key); err != nil {
			return err
		}
	}
	name := r.timeColumn(cfg)
	if name == "" {
		if !r.From.IsZero() || !r.To.IsZero() {
			return status.Usage("--from and --to need a column with the time of a row: give --time-column, or set outbox.timestamp")
		}
		return nil
	}
	return outboxtable.CheckTimeColumn(name, cfg, t)
}

func (r *Range) timeColumn(cfg *config.Config) string {
	return outboxtable.TimeColumn(cfg, r.TimeColumn)
}

// query returns the query of the range.
func (r *Range) query(cfg *config.Config, t *catalog.Table) *outboxtable.Query {
	q := outboxtable.NewQuery(cfg, t)
	column, id := r.timeColumn(cfg), pgname.Quote(cfg.Outbox.ID)
	if !r.From.IsZero() {
		q.From(column, r.From)
	}
	if !r.To.IsZero() {
		q.Until(column, r.To)
	}
	if r.FromID != "" {
		q.Where(id, ">=", r.FromID)
	}
	if r.ToID != "" {
		q.Where(id, "<=", r.ToID)
	}
	if r.Key != "" {
		whereKey(q, cfg.Outbox.Key, r.Key)
	}
	q.Sort(column, r.FromID != "" || r.ToID != "")
	return q
}

// examineTable opens the transaction that Run reads in, and counts.
func (r *Replay) examineTable(ctx context.Context, plan *Plan) error {
	cfg := r.Config
	if err := outboxtable.Require(cfg, "--topic TOPIC publishes the records of a topic again"); err != nil {
		return err
	}
	t, err := outboxtable.Inspect(ctx, r.conn, cfg)
	if err != nil {
		return err
	}
	table := wiring.Table(cfg)
	if err := r.Rows.validate(cfg, t); err != nil {
		return err
	}
	// A person may think about the plan for longer than an idle transaction may last.
	for _, sql := range []string{"SET idle_in_transaction_session_timeout = 0", "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"} {
		if _, err := r.reader.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol); err != nil {
			return postgres.Classify("begin a transaction", err)
		}
	}
	plan.query = r.Rows.query(cfg, t)
	q := plan.query
	plan.Source, plan.Order = "rows of "+table.String(), q.Order()
	if !q.Sorted() {
		plan.Warnings = append(plan.Warnings,
			"no column tells the order of the rows: they are published as they lie in the table; --time-column names a better order")
	}
	count, err := q.Count(ctx, r.reader)
	if wrong := outboxtable.InvalidValue(err); wrong != "" {
		return status.Usage("--from-id, --to-id, --key: %s", wrong)
	}
	plan.Max, plan.Topics, plan.MoreTopics = count.Rows, count.Topics, count.MoreTopics
	if r.ToTopic != "" {
		plan.Topics, plan.MoreTopics = []outboxtable.TopicRows{{Topic: r.ToTopic, Rows: plan.Max}}, 0
	}
	if err != nil || r.StampNow {
		return postgres.Classify("count rows of "+table.String(), err)
	}
	return republish.NewExpiry(cfg).CheckRows(ctx, r.reader, q, t, r.ToTopic)
}
