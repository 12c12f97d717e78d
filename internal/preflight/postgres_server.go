package preflight

import (
	"fmt"
	"time"

	"github.com/walpost/walpost/internal/pgname"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/status"
)

const oldestMajor = 14

func versionRequirement(i *catalog.Inspection) Requirement {
	if i.Server.Major < oldestMajor {
		return failure(status.ExitRequirement, "version", fmt.Sprintf("upgrade to Postgres %d or newer", oldestMajor),
			"Postgres %s is too old", i.Server.Version)
	}
	return passed("version", "Postgres %s", i.Server.Version)
}

func primaryRequirement(i *catalog.Inspection) Requirement {
	if i.Server.InRecovery {
		return failure(status.ExitRequirement, "primary",
			"name the primary in postgres.url, or all hosts, among which walpost looks for the primary",
			"this server is a standby (in recovery): nothing else is judged on it")
	}
	return passed("primary", "not in recovery")
}

func walLevelRequirement(i *catalog.Inspection) Requirement {
	if i.Server.WALLevel != "logical" {
		return failure(status.ExitRequirement, "wal_level", "ALTER SYSTEM SET wal_level = logical; then restart Postgres",
			"is %s, logical replication needs logical", i.Server.WALLevel)
	}
	return passed("wal_level", "logical")
}

func roleRequirement(i *catalog.Inspection) Requirement {
	r := i.Role
	switch {
	case r.Superuser:
		return passed("role", "%s is a superuser (LOGIN REPLICATION is enough)", pgname.QuoteIfNeeded(r.Name))
	case r.Replication:
		return passed("role", "%s may replicate", pgname.QuoteIfNeeded(r.Name))
	default:
		return failure(status.ExitRequirement, "role",
			fmt.Sprintf("ALTER ROLE %s REPLICATION; on Amazon RDS: GRANT rds_replication TO %[1]s", pgname.Quote(r.Name)),
			"%s has no REPLICATION attribute", pgname.QuoteIfNeeded(r.Name))
	}
}

// sendersRequirement does not stop `run` while another connection may end.
func sendersRequirement(i *catalog.Inspection) Requirement {
	const name = "max_wal_senders"
	s := i.Server
	fix := fmt.Sprintf("ALTER SYSTEM SET max_wal_senders = %d; then restart Postgres", s.UsedWALSenders+5)
	switch {
	case s.MaxWALSenders == 0:
		return failure(status.ExitRequirement, name, fix, "is 0: no replication connection is let in")
	case s.UsedWALSenders >= s.MaxWALSenders && (i.Slot == nil || !i.Slot.Active):
		return failure(startsAnyway, name, fix, "all %d are in use", s.MaxWALSenders)
	default:
		return passed(name, "%d of %d in use", s.UsedWALSenders, s.MaxWALSenders)
	}
}

func slotsLeftRequirement(i *catalog.Inspection) Requirement {
	const name = "max_replication_slots"
	s := i.Server
	if i.Slot == nil && s.UsedSlots >= s.MaxSlots {
		return failure(status.ExitRequirement, name,
			fmt.Sprintf("ALTER SYSTEM SET max_replication_slots = %d; then restart Postgres", s.UsedSlots+5),
			"all %d are in use, and slot %s does not exist yet", s.MaxSlots, i.Names.Slot)
	}
	return passed(name, "%d of %d in use", s.UsedSlots, s.MaxSlots)
}

func encodingRequirement(i *catalog.Inspection) Requirement {
	switch e := i.Server.Encoding; e {
	case "UTF8":
		return passed("encoding", "UTF8")
	case "SQL_ASCII":
		return warn("encoding", "move the data to a database with ENCODING 'UTF8'",
			"SQL_ASCII: Postgres does not check text, and bytes that are not UTF-8 reach Kafka as they are")
	default:
		return warn("encoding", "move the data to a database with ENCODING 'UTF8'",
			"%s: text is converted to UTF-8, and a row with a character that UTF-8 does not have halts the relay", e)
	}
}

func tlsRequirement(mode postgres.TLSMode) Requirement {
	const fix = "add sslmode=verify-full and sslrootcert=FILE to postgres.url"
	switch mode {
	case postgres.TLSSocket, postgres.TLSVerifyFull:
		return passed("sslmode", "%s", mode)
	case postgres.TLSVerifyCA:
		return warn("sslmode", fix, "verify-ca: the server's host name is not checked")
	case postgres.TLSRequire:
		return warn("sslmode", fix, "require: encrypted, but the server is not authenticated")
	default:
		return warn("sslmode", fix, "%s: rows and logon may go over the network in plain text", mode)
	}
}

func preparedRequirement(i *catalog.Inspection) Requirement {
	const name = "prepared transactions"
	p := i.Prepared
	if p == nil {
		return passed(name, "none")
	}
	detail := "%s in database %s is open since %s: it keeps WAL back"
	if i.Slot == nil {
		detail += ", and creating the slot waits for it"
	}
	gid := pgname.CommandLiteral(p.GID)
	return warn(name, fmt.Sprintf("COMMIT PREPARED %s or ROLLBACK PREPARED %[1]s", gid),
		detail, gid, pgname.QuoteIfNeeded(p.Database), p.Age.Round(time.Second))
}
