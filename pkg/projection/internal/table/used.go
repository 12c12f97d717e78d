package table

import (
	"context"
	"fmt"
)

// Used returns the tables that the transaction has used and a rebuild does not build: those
// in use, even if they were only read, and others that it has written to. own is a table
// that it may write to.
func Used(ctx context.Context, tx Tx, all []Pair, own string) ([]string, error) {
	return ask(ctx, tx, all, fmt.Sprintf(usedQuery, own))
}

// usedQuery goes by the locks, which last until the transaction ends.
const usedQuery = `, answer AS (
	SELECT DISTINCT 1 AS step, c.oid::regclass::text AS text
	FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_database d ON d.oid = l.database AND d.datname = current_database()
	WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
		AND c.relnamespace NOT IN ('pg_catalog'::regnamespace, 'pg_toast'::regnamespace)
		AND (c.oid IN (SELECT old FROM pair) OR l.mode NOT IN ('AccessShareLock', 'RowShareLock'))
		AND c.oid NOT IN (SELECT new FROM pair WHERE new IS NOT NULL) AND c.oid IS DISTINCT FROM to_regclass('%s')
)`
