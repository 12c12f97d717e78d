package inbox_test

import (
	"context"
	"database/sql"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/pkg/inbox"
)

func TestConfig(t *testing.T) {
	t.Parallel()
	fields := map[string]bool{"Retry.First": true, "Retry.Max": true, "SASL.Mechanism": true, "SASL.User": true, "SASL.Token": true}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[inbox.Config]()) {
		fields[field.Name] = true
	}
	for name, test := range map[string]struct {
		change func(*inbox.Config)
		words  []string
	}{
		"good":         {func(*inbox.Config) {}, nil},
		"no port":      {func(c *inbox.Config) { c.Brokers = []string{"localhost"} }, []string{`Brokers: "localhost": want host:port`}},
		"nothing":      {func(c *inbox.Config) { *c = inbox.Config{} }, []string{"Brokers", "Group", "Topics"}}, // all at once
		"table":        {func(c *inbox.Config) { c.Table = "inbox; DROP TABLE x" }, []string{"Table"}},
		"quoted table": {func(c *inbox.Config) { c.Table = `"My ""Schema"""."In box"` }, nil},
		"negative": {
			func(c *inbox.Config) { c.Parallel, c.Batch, c.AttemptTimeout = -1, -1, -1 }, []string{"Parallel", "Batch", "AttemptTimeout"},
		},
		"retry":           {func(c *inbox.Config) { c.Retry = inbox.Retry{First: time.Minute, Max: time.Second} }, []string{"Retry"}},
		"letters as read": {func(c *inbox.Config) { c.DeadLetter = "{topic}" }, []string{"DeadLetter"}},
		"retries as read": {func(c *inbox.Config) { c.RetryTopic = "t" }, []string{"RetryTopic"}},
		"one letter box":  {func(c *inbox.Config) { c.RetryTopic = "{topic}.DLT" }, []string{"RetryTopic", "DeadLetter"}},
		"never parked":    {func(c *inbox.Config) { c.RetryTopic, c.Retry.Attempts = "r", 1 }, []string{"ParkAfter"}},
		"slow attempt":    {func(c *inbox.Config) { c.AttemptTimeout = time.Hour }, []string{"AttemptTimeout", "Rebalance.Timeout"}},
		"mechanism": {
			func(c *inbox.Config) { c.SASL = &inbox.SASL{Mechanism: "GSSAPI"} }, []string{"SASL.Mechanism", "SCRAM-SHA-256"},
		},
		"no password": {
			func(c *inbox.Config) { c.SASL = &inbox.SASL{Mechanism: "PLAIN"} }, []string{"SASL.User", "SASL.Password"},
		},
		"no token": {func(c *inbox.Config) { c.SASL = &inbox.SASL{Mechanism: "OAUTHBEARER", User: "u"} }, []string{"SASL.Token"}},
		"newest": {func(c *inbox.Config) {
			c.ConfigureSarama = func(s *sarama.Config) { s.Consumer.Offsets.Initial = sarama.OffsetNewest }
		}, []string{"OffsetOldest"}},
		"reset": {func(c *inbox.Config) {
			c.ConfigureSarama = func(s *sarama.Config) { s.Consumer.Group.ResetInvalidOffsets = true }
		}, []string{"ResetInvalidOffsets"}},
		"uncommitted": {func(c *inbox.Config) {
			c.ConfigureSarama = func(s *sarama.Config) { s.Consumer.IsolationLevel = sarama.ReadUncommitted }
		}, []string{"ReadCommitted"}},
		"cooperative": {func(c *inbox.Config) {
			c.ConfigureSarama = func(s *sarama.Config) {
				s.Consumer.Group.Rebalance.GroupStrategies = []sarama.BalanceStrategy{sarama.NewBalanceStrategyCooperativeSticky()}
			}
		}, []string{"cooperative"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := inbox.Config{Brokers: []string{"localhost:9092"}, Group: "g g", Topics: []string{"t"}}
			test.change(&config)
			_, err := inbox.New(config, inbox.SQL(&sql.DB{}), func(context.Context, *sql.Tx, *inbox.Event) error { return nil })
			if (err != nil) != (len(test.words) > 0) || err != nil && !errors.Is(err, inbox.ErrConfig) {
				t.Fatalf("%v", err)
			}
			fault, ok := errors.AsType[*inbox.ConfigError](err)
			if err != nil && (!ok || fault.Reason == "" || !fields[fault.Field]) {
				t.Errorf("%v: the fault is %+v", err, fault)
			}
			for _, word := range test.words {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("%v, want it to name %s", err, word)
				}
			}
		})
	}
}
