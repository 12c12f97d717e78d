package outbox_test

import (
	"testing"

	"github.com/walpost/walpost/pkg/outbox"
)

// Postgres takes the statements, with names that must be quoted too.
func TestDDLRuns(t *testing.T) {
	t.Parallel()
	for _, config := range []outbox.Config{
		{},
		{
			Table: `Sales."Out""Box"`, Partitioned: true,
			Columns: outbox.Columns{SchemaVersion: "version"},
			Headers: []outbox.HeaderColumn{{Header: "Tenant", Column: "tenant"}},
			Types:   map[string]string{"payload": "bytea", "tenant": "uuid", "aggregateid": "varchar(40)"},
		},
	} {
		statements, err := outbox.DDL(config)
		if err != nil {
			t.Fatal(err)
		}
		stack.Database(t).Exec(t, "CREATE SCHEMA sales; "+statements)
	}
}
