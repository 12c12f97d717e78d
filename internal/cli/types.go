package cli

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/router/debezium"
)

// readTypes reads what kind of types the table's columns have that are not built in.
func readTypes(ctx context.Context, conn *pgx.Conn, t *catalog.Table) (map[uint32]debezium.TypeInfo, error) {
	types := map[uint32]debezium.TypeInfo{}
	if t == nil {
		return types, nil
	}
	var oids []uint32
	for _, c := range t.Columns {
		oids = append(oids, c.TypeOID)
	}
	found, err := conn.Query(ctx, "SELECT oid, typname, typtype::text FROM pg_type WHERE oid = ANY($1::oid[])", oids)
	if err != nil {
		return nil, postgres.Classify("read types", err)
	}
	var oid uint32
	var name, kind string
	_, err = pgx.ForEachRow(found, []any{&oid, &name, &kind}, func() error {
		types[oid] = debezium.TypeInfo{Name: name, Kind: kind[0]}
		return nil
	})
	return types, postgres.Classify("read types", err)
}
