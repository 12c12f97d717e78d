package recover

import (
	"context"
	"errors"

	"github.com/walpost/walpost/internal/kafka"
	"github.com/walpost/walpost/internal/outboxtable"
	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/republish"
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
	OnlyLeftover bool
	// Begun: the slot of a first start is in place and whole: nothing is to be done.
	Begun bool
	// OnlyEnd: the rows are published and the slot is in place; the recovery was cut before
	// it was done with that.
	OnlyEnd           bool
	CreatePublication bool
	Selection         string // which rows, in words
	Order             string // in which order, in words
	Warnings          []string

	outboxtable.Count // of the rows as of now

	query *outboxtable.Query
	point pgoutput.LSN // of OnlyEnd: where the slot begins
}

// over reports whether no row is to be published.
func (p *Plan) over() bool { return p.OnlyLeftover || p.OnlyEnd || p.Begun }

// TemporaryName is the name of the new slot while rows are published: the slot's,
// cut to what Postgres allows (63 characters), and _recover.
func TemporaryName(slot string) string {
	const suffix, maxLength = "_recover", 63
	return slot[:min(len(slot), maxLength-len(suffix))] + suffix
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
	plan := &Plan{Slot: cfg.Postgres.Slot, Temporary: TemporaryName(cfg.Postgres.Slot)}
	leftover, err := catalog.FindSlot(ctx, r.conn, plan.Temporary)
	if err != nil {
		return nil, postgres.Classify("read slot "+plan.Temporary, err)
	}
	plan.Leftover = leftover != nil
	if leftover != nil && leftover.Active {
		return nil, inUse(plan.Temporary, leftover.ActivePID)
	}
	check := r.checkSlot
	if r.First {
		check = r.checkFirst
	}
	if err := check(there, leftover, plan); err != nil || plan.over() {
		return plan, err
	}
	if err := r.checkRequirements(there, plan); err != nil {
		return nil, err
	}
	if err := r.Rows.validate(cfg, there.Table); err != nil {
		return nil, err
	}
	return plan, r.count(ctx, there.Table, plan)
}

// count counts the rows, and checks that their topics would keep them.
func (r *Recovery) count(ctx context.Context, t *catalog.Table, plan *Plan) error {
	q := r.Rows.query(r.Config, t)
	plan.query, plan.Selection, plan.Order = q, r.Rows.String(), q.Order()
	if !q.Sorted() {
		flag := "--time-column"
		if r.First {
			flag = "--order"
		}
		plan.Warnings = append(plan.Warnings, "no column tells the order of the rows: they are published as they lie in the table, "+
			"which is the order of insertion while no space was used again; "+flag+" names a better one")
	}
	err := q.CheckOrder(ctx, r.conn)
	if err != nil {
		return status.Usage("the rows cannot be ordered by %s: %v", plan.Order, err)
	}
	if plan.Count, err = q.Count(ctx, r.conn); err != nil {
		if wrong := outboxtable.InvalidValue(err); wrong != "" && r.Rows.AfterID != "" {
			return status.Usage("--after-id: %s", wrong)
		}
		return postgres.Classify("count rows of "+wiring.Table(r.Config).String(), err)
	}
	if r.StampNow {
		return nil
	}
	err = republish.NewExpiry(r.Config).CheckRows(ctx, r.conn, q, t, "")
	if away, ok := errors.AsType[*kafka.Error](err); ok { // the plan can be read all the same
		plan.Warnings = append(plan.Warnings, "retention.ms of the topics was not compared with the rows' times: "+away.Error())
		return nil
	}
	return err
}
