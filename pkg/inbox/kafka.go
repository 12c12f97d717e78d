package inbox

import (
	"fmt"
	"slices"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/pkg/inbox/internal/kafka/access"
	"github.com/walpost/walpost/pkg/inbox/internal/kafka/read"
	"github.com/walpost/walpost/pkg/inbox/internal/writer"
)

// saramaConfig is sarama's configuration after the caller's changes.
func (c *Config) saramaConfig() (*sarama.Config, error) {
	s := read.Config("inbox-" + c.Group)
	s.Consumer.Offsets.Initial = sarama.OffsetOldest // a new group must not skip what was written before it joined
	s.Consumer.Group.ResetInvalidOffsets = false     // nor jump in silence where retention or truncation was faster
	s.Consumer.IsolationLevel = sarama.ReadCommitted // nor see what a relay with exactly_once has aborted
	s.Consumer.Return.Errors = true                  // out of range is told there alone
	s.Producer.Compression = writer.Compression
	access.Set(s, c.TLS, (*access.SASL)(c.SASL))
	if c.ConfigureSarama != nil {
		c.ConfigureSarama(s)
	}
	if field, broken := c.brokenRule(s); broken != "" {
		return nil, badConfig(field, "%s", broken)
	}
	if err := s.Validate(); err != nil {
		return nil, badConfig("ConfigureSarama", "%v", err)
	}
	return s, nil
}

// brokenRule returns the field, and what the caller has changed that a consumer relies on;
// "" if nothing.
func (c *Config) brokenRule(s *sarama.Config) (field, broken string) {
	const hook = "ConfigureSarama"
	group := &s.Consumer.Group
	switch {
	case s.Consumer.Offsets.Initial != sarama.OffsetOldest:
		return hook, "Consumer.Offsets.Initial must be OffsetOldest: a new group would skip records"
	case group.ResetInvalidOffsets:
		return hook, "Consumer.Group.ResetInvalidOffsets must be false: records would be skipped in silence"
	case s.Consumer.IsolationLevel != sarama.ReadCommitted:
		return hook, "Consumer.IsolationLevel must be ReadCommitted: aborted records would be processed"
	case !s.Consumer.Return.Errors:
		return hook, "Consumer.Return.Errors must be true: errors would go unseen"
	case !s.Consumer.Offsets.AutoCommit.Enable:
		return hook, "Consumer.Offsets.AutoCommit.Enable must be true: it commits what is marked, which is what is done"
	case slices.ContainsFunc(group.Rebalance.GroupStrategies, cooperative):
		return hook, "Consumer.Group.Rebalance.GroupStrategies: cooperative strategies are not supported"
	case c.AttemptTimeout >= group.Rebalance.Timeout:
		return "AttemptTimeout", fmt.Sprintf("%v: must be below Consumer.Group.Rebalance.Timeout (%v), "+
			"or the group moves on without this member", c.AttemptTimeout, group.Rebalance.Timeout)
	}
	return "", ""
}

// cooperative reports whether a strategy takes a partition away while the session goes
// on, which a record that is being retried would not notice.
func cooperative(strategy sarama.BalanceStrategy) bool {
	return strategy.Name() == sarama.CooperativeStickyBalanceStrategyName
}
