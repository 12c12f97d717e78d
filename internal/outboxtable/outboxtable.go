// Package outboxtable answers what is in the outbox table, for the commands that read it:
// which rows, in which order, for which topics, and each row as the stream would bring it.
//
// It knows the configuration, the catalogue and SQL. It must not know Kafka, nor what the
// rows are read for.
package outboxtable

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/pgname"
	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/preflight"
	"github.com/walpost/walpost/internal/status"
	"github.com/walpost/walpost/internal/wiring"
)

// Require refuses a configuration whose events are in no table. hint says what there is
// instead.
func Require(cfg *config.Config, hint string) error {
	if !cfg.Outbox.Messages() {
		return nil
	}
	return &status.Halt{
		Code: status.ExitRequirement, Reason: "there is no table to read: outbox.source is message, whose events are only in the WAL",
		Hint: hint,
	}
}

// Inspect returns the outbox table for a command that reads it and changes nothing. A
// table that cannot be read as a whole is refused.
func Inspect(ctx context.Context, conn *pgx.Conn, cfg *config.Config) (*catalog.Table, error) {
	there, err := catalog.Inspect(ctx, conn, wiring.Names(cfg))
	if err != nil {
		return nil, err
	}
	if err := there.TableKnown(); err != nil {
		return nil, err
	}
	table := wiring.Table(cfg)
	switch {
	case there.Table == nil:
		return nil, &status.Halt{
			Code: status.ExitRequirement, Reason: fmt.Sprintf("table %s does not exist", table), Hint: "see outbox.table",
		}
	case there.Table.Inherited():
		return nil, &status.Halt{
			Code: status.ExitRequirement, Reason: preflight.OutsideRequirement(table, there.Table.Outside).Detail,
			Hint: "`walpost check -c " + cfg.File + "` has the statements that fix it",
		}
	case !there.Table.Readable:
		return nil, &status.Halt{Code: status.ExitRequirement, Reason: Unreadable(cfg, there.Role.Name)}
	}
	return there.Table, checkFilter(cfg, there.Table)
}

// checkFilter refuses a table that lacks a column of outbox.filter.
func checkFilter(cfg *config.Config, t *catalog.Table) error {
	for _, f := range cfg.Outbox.Filter {
		if t.Column(f.Column) == nil {
			return &status.Halt{
				Code: status.ExitRequirement, Hint: "see outbox.filter",
				Reason: fmt.Sprintf("%s has no column %q", wiring.Table(cfg), f.Column),
			}
		}
	}
	return nil
}

// Unreadable says that the role may not read the table, and how to grant it.
func Unreadable(cfg *config.Config, role string) string {
	table := wiring.Table(cfg)
	return fmt.Sprintf("role %s may not read %s, which takes SELECT; fix: GRANT SELECT ON %s TO %s",
		role, table, table.Quoted(), pgname.Quote(role))
}

// Relation describes columns of the table as the stream would: by the catalogue, which
// names domains where the protocol's own description of a result names what they are made
// of.
func Relation(cfg *config.Config, t *catalog.Table, columns ...string) (*pgoutput.Relation, error) {
	table := wiring.Table(cfg)
	rel := &pgoutput.Relation{ID: t.OID, Namespace: table.Schema, Name: table.Name}
	for _, name := range columns {
		c := t.Column(name)
		if c == nil {
			return nil, fmt.Errorf("column %q of %s is gone", name, table)
		}
		rel.Columns = append(rel.Columns, pgoutput.Column{Name: c.Name, TypeOID: c.TypeOID, TypeMod: c.TypeMod})
	}
	return rel, nil
}

// Columns returns the columns that records are made from, without those that may be missing
// and are.
func (q *Query) Columns() []string {
	var names []string
	for _, c := range wiring.Columns(q.cfg).List() {
		if c.Needed || q.table.Column(c.Column) != nil {
			names = append(names, c.Column)
		}
	}
	return names
}

// ReadTable reads the catalogue. While a cursor is open on the table, its columns cannot
// change.
func ReadTable(ctx context.Context, conn *pgx.Conn, cfg *config.Config) (*catalog.Table, error) {
	there, err := catalog.Inspect(ctx, conn, wiring.Names(cfg))
	if err != nil {
		return nil, err
	}
	if there.Table == nil {
		return nil, fmt.Errorf("table %s was renamed", wiring.Table(cfg))
	}
	return there.Table, nil
}
