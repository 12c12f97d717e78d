package preflight_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/postgres/postgrestest"
	"github.com/walpost/walpost/internal/preflight"
	"github.com/walpost/walpost/internal/status"
)

// TestRow130_MessageWritersOfEachMajor: the statements of the fix name every form that
// the function has in that major, as a role without superuser learns them, and then
// only the roles that were granted the right write events.
func TestRow130_MessageWritersOfEachMajor(t *testing.T) {
	t.Parallel()
	for _, major := range []int{14, 16, 17, 18} {
		t.Run(strconv.Itoa(major), func(t *testing.T) {
			t.Parallel()
			server := devstacktest.StartPostgres(t, devstack.PostgresOptions{Major: major})
			owner := postgrestest.OpenSQL(t, postgrestest.Target(server.URL("postgres")))
			for _, sql := range []string{
				"CREATE ROLE relay LOGIN REPLICATION", `CREATE ROLE "the service" LOGIN`, "CREATE ROLE reporter LOGIN",
			} {
				if _, err := owner.Exec(t.Context(), sql); err != nil {
					t.Fatal(err)
				}
			}
			check := func() preflight.Requirement {
				t.Helper()
				i, err := catalog.Inspect(t.Context(), postgrestest.OpenSQL(t, postgrestest.Target(server.URLFor("relay", "", "postgres"))),
					catalog.ObjectNames{Publication: "p", Slot: "s"})
				if err != nil {
					t.Fatal(err)
				}
				return preflight.WritersRequirement(i.Writers, false, i.Server.Database)
			}
			may := func(role, content string) bool {
				t.Helper()
				_, err := postgrestest.OpenSQL(t, postgrestest.Target(server.URLFor(role, "", "postgres"))).Exec(t.Context(),
					"SELECT pg_logical_emit_message(true, 'outbox', "+content+")")
				if err != nil && postgres.KindOf(postgres.Classify("emit", err)) != postgres.InsufficientPrivilege {
					t.Fatal(err)
				}
				return err == nil
			}
			r := check()
			if r.State != preflight.Failed || r.Exit != status.ExitRequirement || !may("reporter", "'x'::text") {
				t.Fatalf("with the right of PUBLIC: %+v", r)
			}
			_, statements, _ := strings.Cut(r.Fix, "database postgres: ")
			statements, _, _ = strings.Cut(statements, "; where")
			statements = strings.ReplaceAll(statements, "SERVICE_ROLE", `"the service"`)
			if _, err := owner.Exec(t.Context(), statements, pgx.QueryExecModeSimpleProtocol); err != nil {
				t.Fatal(err)
			}
			if r = check(); r.State != preflight.OK || !strings.Contains(r.Detail, `superusers and "the service" may`) {
				t.Errorf("%+v", r)
			}
			for _, content := range []string{"'x'::text", "'x'::bytea"} {
				if may("reporter", content) || !may("the service", content) {
					t.Errorf("%s: the reporter may, or the service may not", content)
				}
			}
			one, _, _ := strings.Cut(statements, ", pg_catalog") // of the two forms
			if _, err := owner.Exec(t.Context(), strings.Replace(one, "REVOKE", "GRANT", 1)+" TO PUBLIC"); err != nil {
				t.Fatal(err)
			}
			if r = check(); r.State != preflight.Failed {
				t.Errorf("with one form open to PUBLIC: %+v", r)
			}
		})
	}
}
