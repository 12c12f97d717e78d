package status

import "slices"

// Names of the conditions.
const (
	ConditionHalted       = "halted"
	ConditionFenced       = "fenced"
	ConditionPostgres     = "postgres_unreachable"
	ConditionKafka        = "kafka_unreachable"
	ConditionDenied       = "kafka_denied"
	ConditionStuck        = "topic_stuck"
	ConditionSlotLost     = "slot_lost"
	ConditionSlotMissing  = "slot_missing"
	ConditionSlotAtRisk   = "slot_at_risk"
	ConditionStandbySlots = "waiting_for_standby"
	ConditionNoProgress   = "no_progress"
	ConditionUncommitted  = "transaction_open"
	ConditionAborted      = "transactions_aborted"
	ConditionLagging      = "lagging"
	ConditionRejected     = "records_rejected"
	ConditionPrune        = "prune_failed"
	ConditionRetention    = "retention_passed"
	ConditionUncarried    = "rows_not_streamed"
	ConditionThrottled    = "throttled"
	ConditionStandby      = "standby"
)

// ConditionKind is what is always true of a condition. /status, /readyz,
// walpost_condition, the page and docs/operations.md all say the same of it,
// because they all read it here.
type ConditionKind struct {
	Name     string
	Severity Severity
	NotReady bool   // /readyz is 503 while it is there
	Meaning  string // one sentence
	Hint     string // what to do; FILE stands for the configuration file
}

// Conditions are all conditions, the worst first.
func Conditions() []ConditionKind {
	return slices.Concat(criticals(), ofTransactions(), warnings(), infos())
}

// criticals are the conditions with which events do not flow, or may soon be lost.
func criticals() []ConditionKind {
	return []ConditionKind{
		{
			ConditionHalted, Critical, true, "The relay has halted: a person must decide.",
			"the log says what happened and what repairs it",
		},
		{
			ConditionPostgres, Critical, true, "Postgres cannot be reached, refuses walpost, or ends each stream soon after it begins.",
			"start Postgres, or fix the connection to it; walpost then continues without a restart; `walpost check -c FILE` shows details",
		},
		{
			ConditionKafka, Critical, true, "Kafka does not answer. The slot keeps the events.",
			"start the brokers, or fix the connection to them; walpost then continues without a restart; `walpost check -c FILE` shows " +
				"details",
		},
		{
			ConditionDenied, Critical, true, "Kafka denies walpost the right to write a topic. The topic's events wait.",
			"grant Write and Describe on it to walpost's principal; walpost then continues without a restart",
		},
		{
			ConditionStuck, Critical, true, "Kafka does not accept the records of a topic or partition. They wait; other records continue.",
			"fix what Kafka's answer names; walpost then continues without a restart",
		},
		{
			ConditionSlotLost, Critical, true,
			"Postgres has invalidated the slot: WAL that it needs was removed, or nobody read from it for too long.",
			"`walpost recover -c FILE` creates a new slot and publishes from the outbox table what may be missing",
		},
		{
			ConditionSlotMissing, Critical, true, "The slot does not exist. Only `walpost status` reports it: a running relay halts.",
			"`walpost init -c FILE` creates it; if there was one before: `walpost recover -c FILE`",
		},
		{
			ConditionSlotAtRisk, Critical, false,
			"The WAL retained for the slot is near max_slot_wal_keep_size: past that limit Postgres invalidates the slot, and events " +
				"are lost.",
			"get events flowing, or raise max_slot_wal_keep_size",
		},
		{
			ConditionStandbySlots, Critical, true, "Postgres holds events back until a physical standby has them.",
			"a standby named in synchronized_standby_slots is down or behind: repair it, or remove it from the setting",
		},
		{
			ConditionNoProgress, Critical, false, "Kafka has not acknowledged the oldest event since it was read, more than a minute ago.",
			"see the other conditions, the last error and the log",
		},
	}
}

// warnings are the conditions that need somebody within the day.
func warnings() []ConditionKind {
	return []ConditionKind{
		{
			ConditionLagging, Warn, false, "The oldest event that is not in Kafka was committed more than a minute ago.",
			"after an outage it catches up; if it does not, look at walpost_kafka_request_seconds and at long transactions",
		},
		{
			ConditionRejected, Warn, false, "Within the last quarter of an hour there were records that Kafka can never accept.",
			"the log and walpost_events_rejected_total show which and why",
		},
		{
			ConditionRetention, Warn, false,
			"Within the last quarter of an hour records were published that are older than their topic keeps them: " +
				"Kafka deletes them soon.",
			"raise retention.ms of the topic; `walpost replay -c FILE --timestamp now` publishes again what is gone",
		},
		{
			ConditionPrune, Warn, false, "The last round of outbox.prune failed: confirmed rows stay in the outbox.",
			"fix what the message names; the next round tries again",
		},
		{
			ConditionUncarried, Warn, false,
			"outbox.prune keeps rows that were written before their table was part of the published outbox: they were not in the stream.",
			"`walpost audit -c FILE` shows which are missing in Kafka, `walpost replay -c FILE` publishes them; then delete them by hand",
		},
	}
}

// infos are the conditions that are worth knowing.
func infos() []ConditionKind {
	return []ConditionKind{
		{
			ConditionThrottled, Info, false, "Kafka accepts less than Postgres delivers: reading pauses.",
			"look at walpost_kafka_request_seconds, or raise delivery.in_flight",
		},
		{
			ConditionStandby, Info, true, "Another relay streams from the slot.",
			"nothing: this one takes over when the other ends",
		},
	}
}
