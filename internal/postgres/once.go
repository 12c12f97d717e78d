package postgres

import "github.com/jackc/pgx/v5"

// Once is how every query here runs: in one round trip, not kept as a prepared
// statement, because it is not asked again.
const Once = pgx.QueryExecModeExec
