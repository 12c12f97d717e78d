package preflight

import (
	"fmt"
	"strings"

	"github.com/walpost/walpost/internal/pgname"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/status"
)

// WritersRequirement checks who may write events. An event of a role without any
// right would be published as if the service had written it, and content that is no event
// would halt the relay.
func WritersRequirement(w *catalog.MessageWriters, anyRole bool, database string) Requirement {
	const name = "message writers"
	functions := strings.Join(w.Functions, ", ")
	fix := fmt.Sprintf("as superuser, in database %s: REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC; GRANT EXECUTE ON FUNCTION %[2]s TO "+
		"SERVICE_ROLE",
		pgname.QuoteIfNeeded(database), functions)
	const everybody = "any role of the database may write events, and halt the relay: PUBLIC has EXECUTE on pg_logical_emit_message"
	switch {
	case w.Public && anyRole:
		return warn(name, fix, everybody)
	case w.Public:
		return failure(status.ExitRequirement, name, fix+"; where the service lets nobody revoke it: outbox.writers: any", everybody)
	case len(w.Roles) == 0:
		return passed(name, "superusers alone may write events")
	default:
		var roles []string
		for _, r := range w.Roles {
			roles = append(roles, pgname.QuoteIfNeeded(r))
		}
		return passed(name, "only superusers and %s may write events", strings.Join(roles, ", "))
	}
}
