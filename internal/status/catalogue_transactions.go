package status

// ofTransactions are the conditions of delivery.guarantee: exactly_once, between the
// critical ones and the other warnings.
func ofTransactions() []ConditionKind {
	return []ConditionKind{
		{
			ConditionUncommitted, Critical, false,
			"Events have waited for the commit of their Kafka transaction for more than 15 seconds: consumers that read committed " +
				"records stand still.",
			"see the other conditions and the log; the relay aborts a transaction after 20 seconds and writes its events in another",
		},
		{
			ConditionFenced, Warn, true, "Another relay with the same transactional id has taken over; this one writes nothing any more.",
			"nothing is lost: let one of them run, or give each slot its own delivery.transactional_id",
		},
		{
			ConditionAborted, Warn, false,
			"Within the last quarter of an hour at least three Kafka transactions were aborted, and their events written again.",
			"the log says why; nothing is lost or repeated for consumers that read committed records",
		},
	}
}
