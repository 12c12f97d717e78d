package provision_test

import (
	"strings"
	"testing"

	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/postgres/postgrestest"
	"github.com/walpost/walpost/internal/postgres/provision"
)

// Where a policy would hide rows from walpost, Postgres refuses: nothing is counted,
// pruned or compared without them, and the words say what to do.
func TestRow86_RowSecurityIsNotPassedOver(t *testing.T) {
	t.Parallel()
	f := postgrestest.NewFixture(t, &stack)
	f.CreateTable(t)
	f.CreatePublication(t)
	f.Exec(t, "ALTER TABLE outbox ENABLE ROW LEVEL SECURITY", "CREATE POLICY visible ON outbox USING (aggregatetype = 'order')",
		"GRANT SELECT, DELETE ON outbox TO "+f.Role,
		"INSERT INTO outbox (id, aggregatetype, aggregateid, type) VALUES (gen_random_uuid(), 'hidden', 'k', 'T')")
	conn := postgrestest.OpenSQL(t, f.Relay)
	refused := func(what string, err error) {
		t.Helper()
		if postgres.KindOf(err) != postgres.InsufficientPrivilege || !strings.Contains(err.Error(), "row-level security") ||
			!strings.Contains(err.Error(), "BYPASSRLS") {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, _, err := catalog.CountRows(t.Context(), conn, f.Names.Table, nil)
	refused("count", err)
	_, _, err = catalog.DistinctValues(t.Context(), conn, f.Names.Table, []string{"aggregatetype"}, 300, nil)
	refused("topics", err)
	p := provision.Pruning{Table: f.Names.Table, Publication: f.Names.Publication, Batch: 10}
	_, err = p.Pick(t.Context(), conn)
	refused("prune", err)

	f.Exec(t, "ALTER ROLE "+f.Role+" BYPASSRLS")
	n, known, err := catalog.CountRows(t.Context(), postgrestest.OpenSQL(t, f.Relay), f.Names.Table, nil)
	if n != 1 || !known || err != nil {
		t.Errorf("with BYPASSRLS: %d, %v, %v", n, known, err)
	}
}
