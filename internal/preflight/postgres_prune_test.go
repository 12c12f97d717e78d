package preflight_test

import (
	"strings"
	"testing"

	"github.com/walpost/walpost/internal/postgres/postgrestest"
	"github.com/walpost/walpost/internal/postgres/provision"
	"github.com/walpost/walpost/internal/preflight"
	"github.com/walpost/walpost/internal/status"
)

// `check` names what outbox.prune lacks, and `run` starts all the same.
func TestPruneRequirements(t *testing.T) {
	t.Parallel()
	f := postgrestest.NewFixture(t, &stack)
	f.CreateTable(t)
	for _, tc := range []struct {
		sql, says, fix string
		prune          provision.Pruning
	}{
		{"", "failed prune: outbox.prune deletes from public.outbox", "GRANT SELECT, DELETE ON", provision.Pruning{}},
		{
			"GRANT SELECT ON public.outbox TO " + f.Role, "failed prune: outbox.prune deletes from public.outbox",
			"GRANT SELECT, DELETE ON",
			provision.Pruning{},
		},
		{
			"GRANT DELETE ON public.outbox TO " + f.Role,
			"warning prune: slot " + f.Names.Slot + " does not exist yet, and rows from before it", "leave outbox.prune out",
			provision.Pruning{},
		},
		{
			"SELECT pg_create_logical_replication_slot('" + f.Names.Slot + "', 'pgoutput')",
			"ok prune: confirmed rows of public.outbox may be deleted", "",
			provision.Pruning{},
		},
		{"", "failed prune: public.outbox has no column at", "time_column", provision.Pruning{After: 1, TimeColumn: "at"}},
		{
			"ALTER TABLE public.outbox ADD COLUMN at date", "failed prune: column at of public.outbox is of type date", "timestamptz",
			provision.Pruning{After: 1, TimeColumn: "at"},
		},
		{"ALTER TABLE public.outbox ALTER COLUMN at TYPE timestamp", "ok prune: ", "", provision.Pruning{After: 1, TimeColumn: "at"}},
	} {
		if tc.sql != "" {
			f.Exec(t, tc.sql)
		}
		tc.prune.Table = f.Names.Table
		got := preflight.PruneRequirements(f.Inspect(t), &tc.prune)[0]
		if text := got.State.String() + " prune: " + got.Detail; !strings.HasPrefix(text, tc.says) || !strings.Contains(got.Fix, tc.fix) ||
			got.Exit != status.ExitStopped {
			t.Errorf("after %q: %s; fix: %s; exit %d", tc.sql, text, got.Fix, got.Exit)
		}
	}
}

// `check` names what a DELETE would run of the table's owner, also on a partition; with
// drop_partitions only what the default partition has, from which rows are deleted.
func TestRow82_CodeOfTheOwner(t *testing.T) {
	t.Parallel()
	f := postgrestest.NewFixture(t, &stack)
	f.Exec(t, "CREATE TABLE outbox (id uuid, aggregatetype text, aggregateid text, type text, payload jsonb, created_at timestamptz) "+
		"PARTITION BY RANGE (created_at)",
		"CREATE TABLE outbox_old PARTITION OF outbox FOR VALUES FROM ('2018-01-01') TO ('2019-01-01')",
		"CREATE TABLE outbox_rest PARTITION OF outbox DEFAULT",
		"CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'",
		"CREATE TRIGGER writes BEFORE INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION note()",
		"SELECT pg_create_logical_replication_slot('"+f.Names.Slot+"', 'pgoutput')", "GRANT SELECT, DELETE ON outbox TO "+f.Role)
	check := func(p provision.Pruning) preflight.Requirement {
		p.Table = f.Names.Table
		return preflight.PruneRequirements(f.Inspect(t), &p)[0]
	}
	if got := check(provision.Pruning{}); got.State != preflight.OK {
		t.Errorf("a trigger on INSERT: %+v", got)
	}
	f.Exec(t, "CREATE TRIGGER deletes BEFORE DELETE ON outbox_old FOR EACH ROW EXECUTE FUNCTION note()")
	if got := check(provision.Pruning{}); got.State != preflight.Failed || got.Exit != status.ExitStopped ||
		!strings.Contains(got.Detail, "trigger deletes of public.outbox_old") ||
		!strings.Contains(got.Fix, "OWNER TO") {
		t.Errorf("a trigger of a partition: %+v", got)
	}
	f.Exec(t, "ALTER TABLE outbox OWNER TO "+f.Role, "ALTER TABLE outbox_rest OWNER TO "+f.Role)
	if got := check(provision.Pruning{Partitions: true}); got.State != preflight.OK {
		t.Errorf("with drop_partitions: %+v", got)
	}
	f.Exec(t, "CREATE TRIGGER deletes BEFORE DELETE ON outbox_rest FOR EACH ROW EXECUTE FUNCTION note()")
	if got := check(provision.Pruning{Partitions: true}); got.State != preflight.OK {
		t.Errorf("with drop_partitions, all owned: %+v", got)
	}
	f.Exec(t, "ALTER TABLE outbox_rest OWNER TO postgres")
	if got := check(provision.Pruning{Partitions: true}); got.State != preflight.Failed ||
		!strings.Contains(got.Detail, "trigger deletes of public.outbox_rest") || strings.Contains(got.Detail, "outbox_old") {
		t.Errorf("a trigger of the default partition: %+v", got)
	}
	f.Exec(t, "ALTER TABLE outbox_rest OWNER TO "+f.Role, "ALTER TABLE outbox_old OWNER TO "+f.Role)
	if got := check(provision.Pruning{}); got.State != preflight.OK {
		t.Errorf("owned: %+v", got)
	}
}
