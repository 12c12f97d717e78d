package outboxtable_test

import (
	"testing"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/outboxtable"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/status"
)

func tableWith(idType uint32) *catalog.Table {
	return &catalog.Table{Columns: []catalog.TableColumn{
		{Name: "id", TypeOID: idType},
		{Name: "created", TypeOID: pgtype.TimestamptzOID},
		{Name: "note", TypeOID: pgtype.TextOID, Type: "text"},
	}}
}

// Rows are ordered by what the table can tell, and people are told by what.
func TestOrderOfRows(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		idType uint32
		column string
		byID   bool
		want   string
		sorted bool
	}{
		{"nothing tells", pgtype.UUIDOID, "", false, "place in the table", false},
		{"a time", pgtype.UUIDOID, "created", false, "created, place in the table", true},
		{"ids that rise", pgtype.Int8OID, "created", false, "created, id, place in the table", true},
		{"ids that were asked for", pgtype.UUIDOID, "", true, "id, place in the table", true},
	} {
		cfg := &config.Config{}
		cfg.Outbox.ID = "id"
		q := outboxtable.NewQuery(cfg, tableWith(c.idType))
		q.Sort(c.column, c.byID)
		if got := q.Order(); got != c.want || q.Sorted() != c.sorted || q.Order() != got {
			t.Errorf("%s: %q, sorted %v", c.name, got, q.Sorted())
		}
	}
}

func TestTimeColumn(t *testing.T) {
	t.Parallel()
	cfg := &config.Config{}
	cfg.Outbox.Timestamp = "created"
	if a, b := outboxtable.TimeColumn(cfg, ""), outboxtable.TimeColumn(cfg, "note"); a != "created" || b != "note" {
		t.Errorf("%s, %s", a, b)
	}
	table := tableWith(pgtype.UUIDOID)
	if err := outboxtable.CheckTimeColumn("created", cfg, table); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"note", "missing"} {
		if err := outboxtable.CheckTimeColumn(name, cfg, table); status.ExitCode(err) != status.ExitUsage {
			t.Errorf("%s: %v", name, err)
		}
	}
}
