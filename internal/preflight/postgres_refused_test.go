package preflight_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/pgname"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/postgres/postgrestest"
	"github.com/walpost/walpost/internal/preflight"
)

// TestRow103_RefusedQuestions: whatever a server withholds from the role is one line
// with the GRANT that gives it, and all else is checked as before. The start of `run`
// needs no more than the objects that say what is there.
func TestRow103_RefusedQuestions(t *testing.T) {
	t.Parallel()
	f := postgrestest.NewFixture(t, &stack) // rights in pg_catalog are those of one database
	f.Complete(t)
	whole := states(preflight.Postgres(f.Inspect(t), postgrestest.Expectations()))
	var all []string
	for _, q := range (&catalog.Inspection{Names: f.Names}).Questions() {
		all = append(append(all, q.Views...), q.Functions...)
	}
	slices.Sort(all)
	all = slices.Compact(all)
	needed := []string{
		"pg_has_role", "has_table_privilege", "pg_partition_ancestors", "pg_partition_root", "pg_partition_tree", "pg_publication_tables",
		"pg_replication_slots", "obj_description", "format_type", "pg_get_expr",
	}
	for _, object := range all {
		grants := withdraw(t, f, object)
		list := preflight.Postgres(f.Inspect(t), postgrestest.Expectations())
		checkWithheld(t, list, grants)
		if start := preflight.CheckStart(list); (start != nil) != slices.Contains(needed, object) {
			t.Errorf("without %s the start says %v", object, start)
		}
		if object == "pg_prepared_xacts" && len(states(list)) != len(whole) { // its line instead of what hangs on it
			t.Errorf("without %s:\n%s", object, postgrestest.Lines(list))
		}
		f.Exec(t, grants...)
	}
	var grants []string
	for _, object := range all {
		grants = append(grants, withdraw(t, f, object)...)
	}
	// What the commands and the relay ask of the servers' nature, and is not needed.
	withdraw(t, f, "pg_control_system")
	withdraw(t, f, "pg_control_checkpoint")
	withdraw(t, f, "pg_walfile_name")
	withdraw(t, f, "pg_is_in_recovery")
	checkWithheld(t, preflight.Postgres(f.Inspect(t), postgrestest.Expectations()), grants)
	f.Exec(t, grants...)
	if list := preflight.Postgres(f.Inspect(t), postgrestest.Expectations()); !slices.Equal(states(list), whole) {
		t.Errorf("after all was given back:\n%s\nwant %v", postgrestest.Lines(list), whole)
	}
	status, err := catalog.ReadSlot(t.Context(), postgrestest.OpenSQL(t, f.Relay), f.Names.Slot)
	if err != nil || status.LagBytes == nil {
		t.Errorf("%+v, %v", status, err)
	}
	withdraw(t, f, "pg_current_wal_lsn")
	if status, err = catalog.ReadSlot(t.Context(), postgrestest.OpenSQL(t, f.Relay), f.Names.Slot); err != nil || status.LagBytes != nil {
		t.Errorf("%+v, %v", status, err)
	}
}

func states(list []preflight.Requirement) (texts []string) {
	for _, q := range list {
		texts = append(texts, q.State.String()+" "+q.Name)
	}
	return texts
}

// checkWithheld wants exactly these grants as fixes.
func checkWithheld(t *testing.T, list []preflight.Requirement, grants []string) {
	t.Helper()
	var fixes []string
	for _, q := range list {
		if strings.HasPrefix(q.Fix, "GRANT EXECUTE ON FUNCTION pg_catalog.") || strings.HasPrefix(q.Fix, "GRANT SELECT ON pg_catalog.") {
			fixes = append(fixes, q.Fix)
		}
	}
	slices.Sort(fixes)
	grants = slices.Sorted(slices.Values(grants))
	if !slices.Equal(fixes, grants) {
		t.Errorf("the fixes are\n%s\nwant\n%s\nin\n%s", strings.Join(fixes, "\n"), strings.Join(grants, "\n"), postgrestest.Lines(list))
	}
}

// withdraw takes a function in all its forms, or a view, from everybody, and gives the
// grants of the relay's role that bring it back.
func withdraw(t *testing.T, f *postgrestest.Fixture, object string) (grants []string) {
	t.Helper()
	forms := devstacktest.Value[[]string](t, f.Conn,
		`SELECT array_agg('EXECUTE ON FUNCTION pg_catalog.' || oid::regprocedure) FROM pg_proc WHERE proname = '`+object+`'`)
	if len(forms) == 0 {
		forms = []string{"SELECT ON pg_catalog." + object}
	}
	for _, form := range forms {
		f.Exec(t, "REVOKE "+form+" FROM PUBLIC, "+f.Role)
		grants = append(grants, "GRANT "+form+" TO "+pgname.Quote(f.Role))
	}
	return grants
}
