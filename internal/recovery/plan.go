package recovery

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/kafka"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/preflight"
	"github.com/walpost/walpost/internal/status"
	"github.com/walpost/walpost/internal/wiring"
)

// Plan is what a recovery has found and will do.
type Plan struct {
	Slot      string // the slot's name
	Temporary string // and that of the new one until everything is published
	Found     string // the slot as it is, in words
	Missing   bool   // there is none
	Leftover  bool   // an interrupted recovery has left a slot of the temporary name
	// OnlyLeftover: the slot is healthy, and nothing but the leftover is to be done.
	OnlyLeftover      bool
	CreatePublication bool
	Selection         string // which rows, in words
	Order             string // in which order, in words
	Rows              int64  // as counted now
	Topics            []TopicRows
	MoreTopics        int64 // topics not in the list
	Warnings          []string

	query rows
}

// TopicRows is how many of the rows go to a topic.
type TopicRows struct {
	Topic string
	Rows  int64
}

// Temporary is the name of the new slot while rows are published: the slot's,
// cut to what Postgres allows (63 characters), and _recover.
func Temporary(slot string) string {
	const suffix, longest = "_recover", 63
	return slot[:min(len(slot), longest-len(suffix))] + suffix
}

// Examine looks at the servers and makes the plan. It changes nothing. A slot
// that must be left alone, and a requirement that is not met, are a *status.Halt
// with 3 or 4; rows that cannot be chosen so are one with 2.
func (r *Recovery) Examine(ctx context.Context) (*Plan, error) {
	cfg := r.Config
	there, err := catalog.Inspect(ctx, r.conn, wiring.Names(cfg))
	if err != nil {
		return nil, err
	}
	if err := there.OnPrimary(); err != nil {
		return nil, err
	}
	r.idle = there.Server.IdleSlotTimeout
	plan := &Plan{Slot: cfg.Postgres.Slot, Temporary: Temporary(cfg.Postgres.Slot)}
	leftover, err := catalog.ReadSlotStatus(ctx, r.conn, plan.Temporary)
	if err != nil {
		return nil, err
	}
	plan.Leftover = leftover != nil
	if leftover != nil && leftover.Active {
		return nil, inUse(plan.Temporary, r.activePID(ctx, plan.Temporary))
	}
	if err := r.judgeSlot(ctx, there, plan); err != nil || plan.OnlyLeftover {
		return plan, err
	}
	if err := judge(there, cfg, plan); err != nil {
		return nil, err
	}
	if err := r.Rows.validate(cfg, there.Table); err != nil {
		return nil, err
	}
	return plan, r.count(ctx, there.Table, plan)
}

// judgeSlot says what the slot is, and refuses one that is not to be replaced.
func (r *Recovery) judgeSlot(ctx context.Context, there *catalog.Inspection, plan *Plan) error {
	s := there.Slot
	if s == nil {
		plan.Found, plan.Missing = "does not exist", true
		return nil
	}
	switch {
	case s.Type != "logical" || s.Plugin != "pgoutput" || s.Temporary || s.Database != there.Server.Database:
		return &status.Halt{
			Code: status.ExitRequirement, Reason: fmt.Sprintf("slot %s is not a relay's", s.Name),
			Detail: fmt.Sprintf("it is %s, plugin %q, of database %q", s.Type, s.Plugin, s.Database), Hint: "see postgres.slot and postgres.url",
		}
	case s.Active:
		return inUse(s.Name, s.ActivePID)
	case s.Lost():
		plan.Found = fmt.Sprintf("is lost (%s); it was confirmed up to %s", catalog.LossOf(s.InvalidationReason).Reason, s.ConfirmedFlushLSN)
		return nil
	}
	stillThere := fmt.Sprintf("rows committed after %s are still in the slot and go with it: choose rows that include them", s.ConfirmedFlushLSN)
	if s.TwoPhase {
		plan.Found = "decodes prepared transactions (two_phase), which run refuses; it has " + s.Unconfirmed()
		plan.Warnings = append(plan.Warnings, stillThere)
		return nil
	}
	plan.Found = "is healthy, with " + s.Unconfirmed()
	if r.Force {
		plan.Warnings = append(plan.Warnings, stillThere)
		return nil
	}
	if plan.Leftover {
		swapped, err := r.confirmedSince(ctx, s.Name, plan.Temporary)
		plan.OnlyLeftover = swapped
		if err != nil || swapped {
			return err
		}
	}
	return &status.Halt{
		Code: status.ExitRequirement, Reason: fmt.Sprintf("slot %s is healthy: it needs no recovery", s.Name), Detail: "it " + plan.Found[len("is healthy, "):],
		Hint: "if rows are missing all the same (`walpost audit` shows it; somebody may have advanced the slot), give --force",
	}
}

// confirmedSince says that the slot is as far as the leftover: it was swapped in.
func (r *Recovery) confirmedSince(ctx context.Context, slot, leftover string) (yes bool, err error) {
	err = r.conn.QueryRow(ctx, `SELECT coalesce((SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = $1)
		>= (SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = $2), false)`, slot, leftover).Scan(&yes)
	return yes, postgres.Classify("compare slots", err)
}

func (r *Recovery) activePID(ctx context.Context, slot string) int {
	var pid *int
	err := r.conn.QueryRow(ctx, "SELECT active_pid FROM pg_replication_slots WHERE slot_name = $1", slot).Scan(&pid)
	if err != nil || pid == nil {
		return 0 // it has ended since
	}
	return *pid
}

func inUse(slot string, pid int) error {
	return &status.Halt{
		Code: status.ExitRequirement, Reason: fmt.Sprintf("slot %s is in use by backend %d", slot, pid),
		Hint: fmt.Sprintf("stop the relay that streams from it, or SELECT pg_terminate_backend(%d)", pid),
	}
}

// judge goes through the requirements as if the slot were not there: the table as
// it is today has to serve, and the publication has to be there before the slot.
func judge(there *catalog.Inspection, cfg *config.Config, plan *Plan) error {
	wanted, err := wiring.Wanted(cfg, nil)
	if err != nil {
		return err
	}
	wanted.Prune, wanted.AnyWriter, wanted.Hosts = nil, false, postgres.Hosts{} // no matter of a recovery
	bare := *there
	bare.Slot = nil
	list := preflight.Postgres(&bare, wanted)
	code, texts := 0, []string{}
	for _, q := range list {
		if q.State != preflight.Failed || q.Exit == 0 || (q.Name == "slot" && q.Exit == status.ExitHalted) {
			continue // 4 of the slot is that it is missing
		}
		code = max(code, q.Exit)
		texts = append(texts, q.Text())
	}
	if t := there.Table; t != nil && !t.Readable {
		code = max(code, status.ExitRequirement)
		texts = append(texts, unreadable(cfg, there.Role.Name))
	}
	if code != 0 {
		return &status.Halt{Code: code, Reason: "the requirements are not met", Detail: strings.Join(texts, "\n")}
	}
	plan.CreatePublication = there.Publication == nil
	return nil
}

// readableTable looks at the outbox of a command that reads it and changes nothing.
func readableTable(ctx context.Context, conn *pgx.Conn, cfg *config.Config) (*catalog.Table, error) {
	there, err := catalog.Inspect(ctx, conn, wiring.Names(cfg))
	if err != nil {
		return nil, err
	}
	if err := there.TableKnown(); err != nil {
		return nil, err
	}
	switch {
	case there.Table == nil:
		return nil, &status.Halt{Code: status.ExitRequirement, Reason: fmt.Sprintf("table %s does not exist", wiring.Table(cfg)), Hint: "see outbox.table"}
	case there.Table.Inherited():
		return nil, &status.Halt{Code: status.ExitRequirement, Reason: preflight.OutsideRequirement(wiring.Table(cfg), there.Table.Outside).Detail, Hint: "`walpost check -c " + cfg.File + "` has the statements that fix it"}
	case !there.Table.Readable:
		return nil, &status.Halt{Code: status.ExitRequirement, Reason: unreadable(cfg, there.Role.Name)}
	}
	return there.Table, nil
}

func unreadable(cfg *config.Config, role string) string {
	table := wiring.Table(cfg)
	return fmt.Sprintf("role %s may not read %s, which takes SELECT; fix: GRANT SELECT ON %s TO %s",
		role, table, table.Quoted(), postgres.Quote(role))
}

// topicsShown is how many topics a plan lists.
const topicsShown = 20

// count counts the rows, those of each topic apart.
func (r *Recovery) count(ctx context.Context, t *catalog.Table, plan *Plan) error {
	plan.query = r.Rows.rows(r.Config, t)
	q := &plan.query
	plan.Selection, plan.Order = r.Rows.String(), q.words
	if len(q.order) == 2 { // nothing but the place in the table
		plan.Warnings = append(plan.Warnings, "no column tells the order of the rows: they are published as they lie in the table, "+
			"which is the order of insertion while no space was used again; --time-column names a better one")
	}
	var err error
	if plan.Topics, plan.Rows, plan.MoreTopics, err = countTopics(ctx, r.conn, r.Config, q); err != nil {
		return r.countError(err)
	}
	if r.StampNow {
		return nil
	}
	err = newExpiry(r.Config).table(ctx, r.conn, q, t, "")
	if away, ok := errors.AsType[*kafka.Error](err); ok { // the plan can be read all the same
		plan.Warnings = append(plan.Warnings, "retention.ms of the topics was not compared with the rows' times: "+away.Error())
		return nil
	}
	return err
}

// countTopics counts rows, those of each topic apart: of the topics with the most
// rows, all rows, and how many topics there are beside those.
func countTopics(ctx context.Context, conn *pgx.Conn, cfg *config.Config, q *rows) (list []TopicRows, all, more int64, err error) {
	columns := cfg.Outbox.Topic.Columns()
	sql := "SELECT " + topicValues(columns) + ", count(*), (sum(count(*)) OVER ())::bigint, count(*) OVER ()" +
		q.from() + " GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT " + fmt.Sprint(topicsShown)
	found, err := conn.Query(ctx, sql, append([]any{pgx.QueryExecModeSimpleProtocol}, q.args...)...)
	if err != nil {
		return nil, 0, 0, err
	}
	var values []string
	var n, topics int64
	_, err = pgx.ForEachRow(found, []any{&values, &n, &all, &topics}, func() error {
		list = append(list, TopicRows{Topic: cfg.Outbox.Topic.Render(values...), Rows: n})
		return nil
	})
	return list, all, topics - int64(len(list)), err
}

// topicValues selects the columns that name the topic, as one array.
func topicValues(columns []string) string {
	texts := make([]string, len(columns))
	for i, c := range columns {
		texts[i] = "coalesce(pg_catalog.left(" + postgres.Quote(c) + "::text, 300), '')" // a topic's name has 249 characters
	}
	return "ARRAY[" + strings.Join(texts, ", ") + "]::text[]"
}

// countError turns a value that the id's type does not take into a wrong command line.
func (r *Recovery) countError(err error) error {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && strings.HasPrefix(pg.Code, "22") && r.Rows.AfterID != "" {
		return status.Usage("--after-id: %s", pg.Message)
	}
	return postgres.Classify("count rows of "+wiring.Table(r.Config).String(), err)
}
