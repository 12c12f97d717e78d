package catalog

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/internal/postgres"
)

// MessageWriters are the roles that may write events without a table. Postgres
// gives EXECUTE on its functions to PUBLIC, so that at first everybody who may log
// in to the database is one.
type MessageWriters struct {
	Functions []string // every form of pg_logical_emit_message, which differ by major, as REVOKE takes them
	Public    bool     // whether PUBLIC may execute one of them
	Roles     []string // that may besides superusers, in order
}

const messageWritersQuery = `
SELECT array_agg(DISTINCT format('pg_catalog.%I(%s)', p.proname, oidvectortypes(p.proargtypes))),
       coalesce(bool_or(a.grantee = 0 AND a.privilege_type = 'EXECUTE'), false),
       coalesce(array_agg(DISTINCT r.rolname::text ORDER BY r.rolname::text)
           FILTER (WHERE a.privilege_type = 'EXECUTE' AND NOT r.rolsuper), '{}')
FROM pg_proc p
LEFT JOIN LATERAL aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a ON true
LEFT JOIN pg_roles r ON r.oid = a.grantee
WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.proname = 'pg_logical_emit_message'`

func readMessageWriters(ctx context.Context, tx pgx.Tx) (*MessageWriters, error) {
	var w MessageWriters
	if err := tx.QueryRow(ctx, messageWritersQuery, postgres.Once).Scan(&w.Functions, &w.Public, &w.Roles); err != nil {
		return nil, err
	}
	return &w, nil
}
