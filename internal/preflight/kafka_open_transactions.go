package preflight

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/walpost/walpost/internal/kafka"
	"github.com/walpost/walpost/internal/kafka/opentransactions"
)

const openTransactions = "open transactions"

// longOpen is the usual ExactlyOnce.LongOpen: walpost's transactions take milliseconds, and
// those of others rarely more than a second.
const longOpen = 10 * time.Second

// openTransactions looks for transactions at which consumers stand still. Whose records
// they are does not matter to a consumer.
func (c *clusterChecker) openTransactions(ctx context.Context, want KafkaExpectations) []Requirement {
	names := slices.Concat(want.Topics, want.DeadLetters, []string{want.ExactlyOnce.PositionTopic})
	found, err := opentransactions.Find(ctx, c.client, names...)
	if err != nil {
		return []Requirement{passed(openTransactions, "could not be looked for: %s", err)}
	}
	var list []Requirement
	for _, o := range found.Open {
		if q := c.openTransaction(o, want.ExactlyOnce); q.Name != "" {
			list = append(list, q)
		}
	}
	if list == nil || found.Denied != nil || found.Unseen > 0 {
		list = append(list, c.looked(found, list == nil, want.ExactlyOnce))
	}
	return list
}

// looked says that nothing was found, and where nobody looked.
func (c *clusterChecker) looked(found *opentransactions.Found, none bool, want *ExactlyOnce) Requirement {
	var parts []string
	if none {
		parts = append(parts, fmt.Sprintf("none is open for longer than %v", cmp.Or(want.LongOpen, longOpen)))
	}
	if n := len(found.Denied); n > 0 {
		parts = append(parts, fmt.Sprintf("%d topics could not be looked at, such as %s: that needs Read, which %s does not have and "+
			"the relay does not need", n, found.Denied[0], c.options.Principal()))
	}
	if found.Unseen > 0 {
		parts = append(parts, fmt.Sprintf("%d partitions could not be looked at: their leaders do not answer", found.Unseen))
	}
	return passed(openTransactions, "%s", strings.Join(parts, "; "))
}

// openTransaction returns what is wrong about an open transaction; no name: nothing.
func (c *clusterChecker) openTransaction(o opentransactions.Open, want *ExactlyOnce) Requirement {
	place := fmt.Sprintf("at offset %d of %s, partition %d", o.Start, o.Topic, o.Partition)
	const still = "consumers that read committed records stand still there"
	abort := fmt.Sprintf("kafka-transactions.sh --bootstrap-server %s abort --topic %s --partition %d --start-offset %d",
		c.options.Brokers[0], kafka.ShellWord(o.Topic), o.Partition, o.Start)
	ours, age := o.ID == want.TransactionalID, max(0, time.Since(o.Begun))
	switch {
	case o.Hangs && ours: // its end would end half of a transaction that the relay writes
		return failure(startsAnyway, openTransactions, "stop the relay, then as an administrator: "+abort,
			"%s hangs a transaction of this relay's transactional id that nobody will end: %s", place, still)
	case o.Hangs:
		return failure(startsAnyway, openTransactions, "as an administrator: "+abort,
			"%s hangs a transaction%s that nobody will end: %s", place, of(o.ID), still)
	case o.Begun.IsZero():
		return warn(openTransactions, "as an administrator, who sees whether it hangs: kafka-transactions.sh --bootstrap-server "+
			c.options.Brokers[0]+" find-hanging --topic "+kafka.ShellWord(o.Topic)+"; if it does: "+abort,
			"%s a transaction of producer id %d is open, whose transactional id %s may not see (Describe): while it is open %s",
			place, o.ProducerID, c.options.Principal(), still)
	case age < cmp.Or(want.LongOpen, longOpen):
		return Requirement{}
	case ours:
		return warn(openTransactions, "if no relay runs, start it, which ends the transaction at once; or wait: Kafka aborts it",
			"%s a transaction of this relay's transactional id is open since %v, of at most %v: %s",
			place, age.Round(time.Second), o.Timeout, still)
	default:
		return warn(openTransactions, "end it in the program that writes it, or wait: Kafka aborts it",
			"%s a transaction%s is open since %v, of at most %v: %s", place, of(o.ID), age.Round(time.Second), o.Timeout, still)
	}
}

// of names the transactional id of a transaction, if it is known.
func of(id string) string {
	if id == "" {
		return ""
	}
	return " of the transactional id " + id
}
