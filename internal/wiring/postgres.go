package wiring

import (
	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/pgname"
	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/postgres/provision"
	"github.com/walpost/walpost/internal/preflight"
	"github.com/walpost/walpost/internal/router"
	"github.com/walpost/walpost/internal/status"
)

// Target is the database of a configuration.
func Target(cfg *config.Config) postgres.Target {
	t := postgres.Target{URL: cfg.Postgres.URL.Reveal, ApplicationName: "walpost " + cfg.Name}
	if !cfg.Postgres.Password.IsZero() {
		t.Password = cfg.Postgres.Password.Reveal
	}
	return t
}

// Table is the outbox table; zero when events are messages.
func Table(cfg *config.Config) pgname.Table {
	if cfg.Outbox.Messages() {
		return pgname.Table{}
	}
	return pgname.Table{Schema: cfg.Outbox.Table.Schema, Name: cfg.Outbox.Table.Name}
}

// Names are what a relay looks for in the database.
func Names(cfg *config.Config) catalog.ObjectNames {
	return catalog.ObjectNames{Table: Table(cfg), Publication: cfg.Postgres.Publication, Slot: cfg.Postgres.Slot}
}

// Columns are the columns the outbox needs.
func Columns(cfg *config.Config) catalog.OutboxColumns {
	o := cfg.Outbox
	columns := catalog.OutboxColumns{
		ID: o.ID, Key: o.Key.Column, Value: o.Value, Timestamp: o.Timestamp, Partition: o.Partition, Topic: o.Topic.Columns(),
		SchemaVersion: o.Format.SchemaVersion, IgnoreMissing: o.IgnoreMissing(),
	}
	for _, name := range o.Key.Columns {
		columns.More = append(columns.More, catalog.RequiredColumn{Column: name, Part: "key", Needed: true})
	}
	columns.More = append(columns.More, catalog.RequiredColumn{Column: o.Key.JSON, Part: "key", Type: "jsonb", Needed: true})
	for _, h := range o.Headers {
		if h.JSON {
			columns.More = append(columns.More, catalog.RequiredColumn{
				Column: h.Column, Part: "headers", Type: "jsonb", Needed: !columns.IgnoreMissing,
			})
		} else {
			columns.Headers = append(columns.Headers, h.Column)
		}
	}
	columns.More = append(columns.More, catalog.RequiredColumn{Column: o.Trace, Part: "trace", Type: "text", Needed: true})
	for _, f := range o.Filter {
		columns.Filter = append(columns.Filter, catalog.FilterColumn(f))
	}
	for _, e := range o.Format.Envelope {
		columns.Envelope = append(columns.Envelope, e.Column)
	}
	return columns
}

// Pruning is what a configuration lets the relay delete; nil: nothing.
func Pruning(cfg *config.Config) *provision.Pruning {
	p := cfg.Outbox.Prune
	if p == nil {
		return nil
	}
	return &provision.Pruning{
		Table: Table(cfg), Publication: cfg.Postgres.Publication, Filter: Columns(cfg).Filter,
		TimeColumn: p.TimeColumn, After: p.After, Batch: p.Batch, Partitions: p.Partitions,
	}
}

// Wanted is what a configuration asks of the database. types holds the types of the
// table's columns that are not built in, by OID; nil: they are not looked at.
func Wanted(cfg *config.Config, types map[uint32]catalog.Type) (preflight.PostgresExpectations, error) {
	rt, err := router.New(Mapping(cfg))
	if err != nil {
		return preflight.PostgresExpectations{}, err
	}
	mode, err := Target(cfg).TLSMode()
	if err != nil {
		return preflight.PostgresExpectations{}, err
	}
	hosts, err := Target(cfg).Hosts()
	if err != nil {
		return preflight.PostgresExpectations{}, err
	}
	return preflight.PostgresExpectations{
		Columns: Columns(cfg), CheckColumns: checkColumns(rt, types), Prune: Pruning(cfg),
		AnyWriter: cfg.Outbox.AnyWriter(), Create: cfg.Postgres.Create, Failover: cfg.Postgres.Failover, TLS: mode, Hosts: hosts,
	}, nil
}

// checkColumns returns what checks the types of the outbox's columns.
func checkColumns(rt *router.Router, types map[uint32]catalog.Type) func(*pgoutput.Relation) []preflight.Requirement {
	known := typeInfos(types)
	return func(rel *pgoutput.Relation) []preflight.Requirement {
		var list []preflight.Requirement
		for _, f := range rt.Check(rel, known) {
			q := preflight.Requirement{
				Name: "column " + f.Column, State: preflight.Warning, Detail: f.Text, Fix: "see " + f.Key,
			}
			if f.Failed {
				q.State, q.Exit = preflight.Failed, status.ExitRequirement
			}
			list = append(list, q)
		}
		return list
	}
}
