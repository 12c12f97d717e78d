package replication

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
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
	if err := tx.QueryRow(ctx, messageWritersQuery, once).Scan(&w.Functions, &w.Public, &w.Roles); err != nil {
		return nil, err
	}
	return &w, nil
}

// requirement judges who may write events. It is no matter of taste: an event of a
// role without any right is published as if the service had written it, and content
// that is no event halts the relay.
func (w *MessageWriters) requirement(anyRole bool, database string) Requirement {
	const name = "message writers"
	functions := strings.Join(w.Functions, ", ")
	fix := fmt.Sprintf("as superuser, in database %s: REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC; GRANT EXECUTE ON FUNCTION %[2]s TO SERVICE_ROLE",
		displayName(database), functions)
	const everybody = "any role of the database may write events, and halt the relay: PUBLIC has EXECUTE on pg_logical_emit_message"
	switch {
	case w.Public && anyRole:
		return warning(name, fix, everybody)
	case w.Public:
		return failed(exitRequirement, name, fix+"; where the service lets nobody revoke it: outbox.writers: any", everybody)
	case len(w.Roles) == 0:
		return ok(name, "superusers alone may write events")
	default:
		var roles []string
		for _, r := range w.Roles {
			roles = append(roles, displayName(r))
		}
		return ok(name, "only superusers and %s may write events", strings.Join(roles, ", "))
	}
}
