package inbox

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"

	"github.com/walpost/walpost/pkg/inbox/internal/neterr"
)

// Classify returns what an error says of itself: what the handler has marked, and then
// the rule for errors that neither the handler nor Config.Classify has classed: errors of
// Postgres by their SQLSTATE (pgx and lib/pq have it), of database/sql, of the network,
// and of contexts. Unclassified: none of these.
func Classify(err error) Class {
	var state interface{ SQLState() string }
	var panicked *PanicError
	var marked *classedError
	switch {
	case errors.As(err, &marked):
		return marked.class
	case errors.As(err, &panicked), errors.Is(err, ErrUndecodable):
		return ClassPermanent
	case errors.As(err, &state):
		return classOfState(state.SQLState())
	case errors.Is(err, driver.ErrBadConn), errors.Is(err, sql.ErrConnDone):
		return ClassUnavailable
	case neterr.IsLost(err):
		return ClassTransient
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return ClassTransient
	}
	return Unclassified
}

// classOfState goes by https://www.postgresql.org/docs/current/errcodes-appendix.html:
// first what differs from its class, which is the first two characters, then the class.
func classOfState(state string) Class {
	const length, class = 5, 2
	if len(state) != length {
		return Unclassified
	}
	switch state {
	case "23503": // foreign_key_violation: what it refers to may come by another topic
		return ClassTransient
	case "42P05", "26000": // a pooler in transaction mode: the prepared statement is another session's, whatever the record is
		return ClassUnavailable
	case "25006": // read_only_sql_transaction: the server is a standby, as after a failover
		return ClassUnavailable
	case "57014": // query_canceled: statement_timeout
		return ClassTransient
	}
	switch state[:class] {
	case "22", "23": // data exception, integrity constraint violation
		return ClassPermanent
	case "08", "53", "57", "58": // connection, resources, operator intervention, system error
		return ClassUnavailable
	case "28", "3D", "3F", "42": // authorization, database, schema, syntax or access rule
		return ClassFatal
	case "25", "40", "55", "XX": // transaction state, rollback (serialization, deadlock), locks, internal
		return ClassTransient
	}
	return Unclassified
}
