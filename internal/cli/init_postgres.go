package cli

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/kafka/topics"
	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/postgres/provision"
	"github.com/walpost/walpost/internal/preflight"
	"github.com/walpost/walpost/internal/wiring"
)

// initializer prepares the servers for one relay.
type initializer struct {
	initOptions

	cfg    *config.Config
	err    io.Writer  // for what a waiting person wants to know
	tell   func(step) // is called for each step; nil: nothing is
	result prepared

	first   bool // rows are published before the slot begins: it is made after the topics
	newSlot bool // this run has made the slot: nothing of it was published
}

// run inspects both servers before it changes anything: a cluster that is unavailable
// would leave a slot behind that keeps WAL for nobody.
func (i *initializer) run(ctx context.Context) error {
	conn, err := wiring.Target(i.cfg).Connect(ctx)
	if err != nil {
		return err
	}
	defer postgres.HangUp(ctx, conn)
	var client topics.Admin // a dry run asks Kafka nothing
	if !i.dryRun {
		if client, err = topics.OpenAdmin(ctx, wiring.Kafka(i.cfg)); err != nil {
			return err
		}
		defer client.Close()
	}
	if err := i.postgres(ctx, conn); err != nil {
		return err
	}
	if err := i.topics(ctx, conn, client); err != nil {
		return err
	}
	if err := i.publishExisting(ctx); err != nil {
		return err
	}
	if i.cfg.Delivery.ExactlyOnce() {
		return i.position(ctx, client)
	}
	return nil
}

func (i *initializer) step(st step) {
	i.result.Steps = append(i.result.Steps, st)
	if i.tell != nil {
		i.tell(st)
	}
}

// postgres creates table, publication and slot, in this order: a slot made first
// cannot decode what was written before its publication.
func (i *initializer) postgres(ctx context.Context, conn *pgx.Conn) error {
	there, err := i.inspect(ctx, conn)
	if err != nil {
		return err
	}
	if i.first, err = i.beginsWithRows(ctx, conn, there); err != nil {
		return err
	}
	if i.dryRun {
		i.first = i.first && there.Table != nil // else there is no row
		i.plan(there)
		return nil
	}
	if !i.cfg.Outbox.Messages() {
		made, err := i.table(ctx, conn)
		if err != nil {
			return err
		}
		if made { // who may publish it, and whether its columns serve, can be checked now
			if there, err = i.inspect(ctx, conn); err != nil {
				return err
			}
		}
	}
	if i.first {
		return nil
	}
	made, err := provision.CreatePublication(ctx, conn, i.cfg.Postgres.Publication,
		wiring.Table(i.cfg), wiring.Columns(i.cfg), catalog.UnfinishedComment(i.cfg.Postgres.Slot))
	if err != nil {
		return err
	}
	i.step(step{Action: createdOrExists(made), Kind: kindPublication, Name: i.cfg.Postgres.Publication})
	return i.slot(ctx, conn, there)
}

func (i *initializer) table(ctx context.Context, conn *pgx.Conn) (made bool, err error) {
	name := wiring.Table(i.cfg)
	if made, err = provision.CreateTable(ctx, conn, name, wiring.Columns(i.cfg)); err == nil {
		i.step(step{Action: createdOrExists(made), Kind: kindTable, Name: name.String()})
	}
	return made, err
}

// inspect refuses what init cannot repair.
func (i *initializer) inspect(ctx context.Context, conn *pgx.Conn) (*catalog.Inspection, error) {
	there, err := catalog.Inspect(ctx, conn, wiring.Names(i.cfg))
	if err != nil {
		return nil, err
	}
	wanted, err := wiring.Wanted(i.cfg, nil)
	if err != nil {
		return nil, err
	}
	wanted.Create = true
	checked := there
	if i.existing {
		checked = there.Unmarked()
	} else if err := i.refuseLeftover(ctx, conn, there); err != nil {
		return nil, err
	}
	if unmet := preflight.CheckInit(checked, preflight.Postgres(checked, wanted)); unmet != nil {
		return nil, requirement("%w", unmet)
	}
	return there, nil
}

func (i *initializer) slot(ctx context.Context, conn *pgx.Conn, there *catalog.Inspection) error {
	name := i.cfg.Postgres.Slot
	if there.Slot != nil && !there.Slot.Making() {
		i.step(step{Action: actionExists, Kind: kindSlot, Name: name})
		if i.existing {
			i.step(existingLeft(i.cfg))
		}
		return i.finish(ctx, conn)
	}
	made, err := i.make(ctx, conn)
	if err != nil {
		return err
	}
	if err := i.finish(ctx, conn); err != nil {
		return err
	}
	st := step{Action: createdOrExists(made.Created), Kind: kindSlot, Name: name}
	if made.Created {
		st.Detail = "what commits after " + made.ConsistentPoint.String() + " is published"
		i.newSlot = true
	}
	i.step(st)
	if !made.Created || i.cfg.Outbox.Messages() {
		return nil
	}
	return i.count(ctx, conn, made.ConsistentPoint)
}

// slowSlot is how long the making of the slot may take before it is said what it waits for.
const slowSlot = 5 * time.Second

// sayWriter returns what says once for which transaction the slot waits.
func (i *initializer) sayWriter() func(*catalog.Writer) {
	var once sync.Once
	return func(w *catalog.Writer) {
		once.Do(func() { newPrinter(i.err).line("walpost: waiting for %s", provision.DescribeWriter(w)) })
	}
}

// make makes the slot, or waits for one that another connection is making: when that
// does not come to its end, it makes the slot after all.
func (i *initializer) make(ctx context.Context, conn *pgx.Conn) (provision.CreatedSlot, error) {
	session, err := wiring.Target(i.cfg).Near(conn.PgConn()).Replication(ctx)
	if err != nil {
		return provision.CreatedSlot{}, err
	}
	defer session.Close(context.WithoutCancel(ctx)) //nolint:errcheck // it ends with the process at the latest
	watched := provision.WatchWriters(ctx, wiring.Target(i.cfg), slowSlot, i.sayWriter())
	defer watched()
	for {
		made, err := provision.CreateSlot(ctx, session, i.cfg.Postgres.Slot, i.cfg.Postgres.Failover)
		if err != nil || made.Created {
			return made, err
		}
		if there, err := provision.AwaitSlot(ctx, conn, i.cfg.Postgres.Slot); there || err != nil {
			return made, err
		}
	}
}

// finish says that the first start has come to its end.
func (i *initializer) finish(ctx context.Context, conn *pgx.Conn) error {
	return provision.FinishPublication(ctx, conn, i.cfg.Postgres.Publication, i.cfg.Postgres.Slot)
}

// count says how many rows came before the slot.
func (i *initializer) count(ctx context.Context, conn *pgx.Conn, from pgoutput.LSN) error {
	name := wiring.Table(i.cfg)
	n, known, err := catalog.CountRows(ctx, conn, name, wiring.Columns(i.cfg).Filter)
	if postgres.KindOf(err) == postgres.InsufficientPrivilege { // row-level security
		i.step(step{
			Action: actionSkipped, Kind: kindRows, Name: name.String(),
			Detail: fmt.Sprintf("how many were committed before %s, and are not published, is not known: %v", from, err),
		})
		return nil
	}
	if err != nil {
		return err
	}
	st := step{
		Action: actionSkipped, Kind: kindRows, Name: name.String(),
		Detail: fmt.Sprintf("%d in %s are not published: they were committed before the slot", n, name),
	}
	if n > 0 {
		st.Detail += fmt.Sprintf(" (`walpost drop -c %[1]s` and `walpost init --publish-existing -c %[1]s` begin anew with them)",
			i.cfg.File)
	}
	if i.cfg.Outbox.Prune != nil && n > 0 {
		st.Detail += ", and outbox.prune deletes them: leave it out until they are of no use"
	}
	if !known {
		st.Detail = fmt.Sprintf("the role may not read %s: how many were committed before %s, and are not published, is not known", name,
			from)
	} else {
		i.result.RowsNotPublished = &n
	}
	i.step(st)
	return nil
}

// plan reports what postgres would do.
func (i *initializer) plan(there *catalog.Inspection) {
	name, p := wiring.Table(i.cfg), i.cfg.Postgres
	for _, st := range []struct {
		there bool
		step
	}{
		{there.Table != nil, step{Kind: kindTable, Name: name.String(), SQL: provision.CreateTableSQL(name, wiring.Columns(i.cfg))}},
		{
			there.Publication != nil,
			step{Kind: kindPublication, Name: p.Publication, SQL: provision.PublicationSQL(there, wiring.Columns(i.cfg))},
		},
		{there.Slot != nil, step{Kind: kindSlot, Name: p.Slot, SQL: provision.CreateSlotSQL(p.Slot, p.Failover)}},
	} {
		if st.Kind == kindTable && i.cfg.Outbox.Messages() {
			continue
		}
		st.Action = actionMissing
		if st.there {
			st.Action, st.SQL = actionExists, ""
		}
		i.step(st.step)
	}
}
