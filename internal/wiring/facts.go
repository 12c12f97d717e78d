package wiring

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/router"
	"github.com/walpost/walpost/internal/router/connect"
	"github.com/walpost/walpost/internal/router/debezium"
)

// Facts is what a router learns of a table as it is now; types are as catalog.ReadTypes
// returns them.
func Facts(t *catalog.Table, types map[uint32]catalog.Type) router.Facts {
	f := router.Facts{Columns: map[string]connect.Facts{}, Types: typeInfos(types)}
	if t == nil {
		return f
	}
	for _, c := range t.Columns {
		f.Columns[c.Name] = connect.Facts{NotNull: c.NotNull || types[c.TypeOID].NotNull, Default: c.Default}
	}
	return f
}

// LearnTable tells a router what is known of the table, where its records depend on it.
func LearnTable(ctx context.Context, conn *pgx.Conn, cfg *config.Config, rt *router.Router, t *catalog.Table) error {
	if m := Mapping(cfg); !m.Format.NeedsFacts() {
		return nil
	}
	types, err := catalog.ReadTypes(ctx, conn, t)
	if err != nil {
		return err
	}
	rt.Learn(Facts(t, types))
	return nil
}

func typeInfos(types map[uint32]catalog.Type) map[uint32]debezium.TypeInfo {
	known := make(map[uint32]debezium.TypeInfo, len(types))
	for oid, t := range types {
		known[oid] = debezium.TypeInfo{
			Name: t.Name, Kind: t.Kind, Element: t.Element, Base: t.Base, BaseMod: t.BaseMod, Labels: t.Labels,
		}
	}
	return known
}
