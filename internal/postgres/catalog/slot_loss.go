package catalog

// Loss is why Postgres has given a slot up, and what keeps it from doing so again.
type Loss struct {
	Reason string // in words
	Fix    string
}

// LossOf goes by Postgres' invalidation_reason. Before version 17 there is none, and
// but for conflicts on a standby a slot is lost by its WAL alone.
func LossOf(reason string) Loss {
	switch reason {
	case "", "wal_removed":
		return Loss{"Postgres has removed WAL that it needed", "raise max_slot_wal_keep_size"}
	case "idle_timeout":
		return Loss{
			"nobody read from it for longer than idle_replication_slot_timeout", "raise idle_replication_slot_timeout, or set it to 0",
		}
	case "rows_removed", "conflict":
		return Loss{
			"rows of the catalogue that it needed were removed while it was on a standby", "turn hot_standby_feedback on at the standby",
		}
	case "wal_level_insufficient":
		return Loss{"wal_level was lowered on the primary", "keep wal_level = logical"}
	default:
		return Loss{"Postgres has given it up: " + reason, "see invalidation_reason in pg_replication_slots"}
	}
}

// Loss returns why the slot was lost, if it was.
func (s *Slot) Loss() Loss { return LossOf(s.InvalidationReason) }
