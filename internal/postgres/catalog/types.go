package catalog

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/internal/postgres"
)

// Type is what pg_type and pg_enum say of a type.
type Type struct {
	Name    string   // typname
	Kind    byte     // typtype: b base, c composite, d domain, e enum, m multirange, p pseudo, r range
	Element uint32   // of an array: the type of its elements, else 0
	Base    uint32   // of a domain: the type that it is made from, else 0
	BaseMod int32    // of a domain: the modifier of that type
	Labels  []string // of an enum, in its order
	NotNull bool     // of a domain
}

// typesQuery finds types, and what they are made from.
const typesQuery = `
WITH RECURSIVE found (oid) AS (
    SELECT unnest($1::oid[])
    UNION
    SELECT part.oid FROM found JOIN pg_type t ON t.oid = found.oid
    CROSS JOIN LATERAL (VALUES (t.typbasetype), (CASE WHEN t.typcategory = 'A' THEN t.typelem ELSE 0 END)) part (oid)
    WHERE part.oid <> 0)
SELECT t.oid, t.typname, t.typtype::text, CASE WHEN t.typcategory = 'A' THEN t.typelem ELSE 0 END, t.typbasetype, t.typtypmod,
       ARRAY(SELECT enumlabel::text FROM pg_enum WHERE enumtypid = t.oid ORDER BY enumsortorder), t.typnotnull
FROM found JOIN pg_type t ON t.oid = found.oid`

// ReadTypes reads the types of the table's columns, and what they are made from, by OID.
// Without a table there are none.
func ReadTypes(ctx context.Context, conn *pgx.Conn, t *Table) (map[uint32]Type, error) {
	types := map[uint32]Type{}
	if t == nil {
		return types, nil
	}
	var oids []uint32
	for _, c := range t.Columns {
		oids = append(oids, c.TypeOID)
	}
	found, err := conn.Query(ctx, typesQuery, postgres.Once, oids)
	if err != nil {
		return nil, postgres.Classify("read types", err)
	}
	var oid uint32
	var kind string
	var of Type
	_, err = pgx.ForEachRow(found, []any{&oid, &of.Name, &kind, &of.Element, &of.Base, &of.BaseMod, &of.Labels, &of.NotNull}, func() error {
		of.Kind = kind[0]
		types[oid] = of
		of = Type{}
		return nil
	})
	return types, postgres.Classify("read types", err)
}
