package preflight

import (
	"strings"

	"github.com/walpost/walpost/internal/postgres"
)

// HostsRequirements checks how the server is found among several hosts.
func HostsRequirements(h postgres.Hosts) []Requirement {
	const name = "target_session_attrs"
	switch {
	case len(h.Names) < 2:
		return nil
	case h.Attrs == "" || h.Attrs == "primary":
		return []Requirement{passed(name, "the primary is looked for among %s", strings.Join(h.Names, ", "))}
	case h.Attrs == "read-write":
		return []Requirement{warn(name, "leave it out of postgres.url: the primary is looked for",
			"read-write finds no server at all when default_transaction_read_only is on for the role or the database")}
	default:
		return []Requirement{warn(name, "leave it out of postgres.url: the primary is looked for",
			"%s takes a standby as well: after a failover walpost may wait at one beside a healthy primary", h.Attrs)}
	}
}
