package catalog

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/internal/postgres"
)

// Type is what pg_type says of a type.
type Type struct {
	Name string // typname
	Kind byte   // typtype: b base, c composite, d domain, e enum, m multirange, p pseudo, r range
}

// ReadTypes reads the types of the table's columns, by OID. Without a table there are
// none.
func ReadTypes(ctx context.Context, conn *pgx.Conn, t *Table) (map[uint32]Type, error) {
	types := map[uint32]Type{}
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
		types[oid] = Type{Name: name, Kind: kind[0]}
		return nil
	})
	return types, postgres.Classify("read types", err)
}
