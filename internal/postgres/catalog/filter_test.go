package catalog_test

import (
	"testing"

	"github.com/walpost/walpost/internal/pgname"
	"github.com/walpost/walpost/internal/postgres/catalog"
)

// Postgres finds the rows that the stream finds: all columns must fit, byte by byte, whatever
// the collation says is equal and whatever the column is called.
func TestFilterInSQL(t *testing.T) {
	t.Parallel()
	db := stack.Database(t)
	db.Exec(t, "CREATE COLLATION blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
		`CREATE TABLE outbox ("Kind of" text COLLATE blind, target varchar(24))`,
		`INSERT INTO outbox VALUES ('it''s', 'kafka'), ('both', 'kafka'), ('IT''S', 'kafka'), ('it''s', 'mail'), ('other', 'kafka'),
			(NULL, 'kafka'), ('it''s', NULL), ('it''s ', 'kafka'), ('', 'kafka')`)
	filter := catalog.Filter{{Column: "Kind of", Texts: []string{"it's", "both"}}, {Column: "target", Texts: []string{"kafka"}}}
	n, known, err := catalog.CountRows(t.Context(), db.Conn, pgname.Table{Schema: "public", Name: "outbox"}, filter)
	if n != 2 || !known || err != nil {
		t.Errorf("%d rows, known %v, error %v, want 2", n, known, err)
	}
}
