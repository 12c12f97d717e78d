package inbox

import (
	"cmp"
	"crypto/tls"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/pkg/inbox/internal/backoff"
	"github.com/walpost/walpost/pkg/inbox/internal/dlt"
	"github.com/walpost/walpost/pkg/inbox/internal/kafka/access"
	"github.com/walpost/walpost/pkg/inbox/internal/kafka/event"
	"github.com/walpost/walpost/pkg/inbox/internal/pgname"
)

// Config describes a consumer. Brokers, Group and Topics are required.
type Config struct {
	// Brokers are addresses of Kafka to begin with, host:port.
	Brokers []string
	// Group is the consumer group. It is part of the key of the inbox table: a group that
	// is renamed processes everything again.
	Group string
	// Topics are the topics to consume. They must exist. A new group begins with the oldest record.
	Topics []string

	// Table is the inbox table in SQL syntax, as the transaction sees it: inbox,
	// payments.inbox, "My Schema"."Inbox". Defaults to inbox.
	Table string
	// IDHeader is the header with the event's id. Defaults to id.
	IDHeader string
	// TypeHeader is the header with the event's type. Defaults to eventType.
	TypeHeader string

	// Parallel is how many keys of one partition are processed concurrently. Partitions
	// always are. Records of one key stay in order; records without a key have no order.
	// Defaults to 1: a partition is processed record by record.
	Parallel int
	// Batch is the maximum number of records in one transaction. Only records that are
	// already waiting share one, which saves commits. If a handler fails, or an event is a
	// repeat, the transaction is rolled back and its records are processed one by one. So
	// the handler may be called again for an event whose first call succeeded. Defaults to 1.
	Batch int

	// AttemptTimeout is the maximum time of one transaction, after which the handler's
	// context ends. Waiting for a connection does not count. It must be below sarama's
	// Consumer.Group.Rebalance.Timeout (60 s), in which a member must finish its
	// transactions. Plus 5 s, it is also the transaction's
	// idle_in_transaction_session_timeout, so that Postgres ends the transaction of a
	// process that is frozen. Defaults to 30 s.
	AttemptTimeout time.Duration
	// Retry says how often ClassTransient is retried, and after which waits.
	Retry Retry
	// Classify returns the class of an error that the handler has not marked. Unclassified
	// leaves it to the function [Classify]. May be nil.
	Classify func(error) Class

	// RetryTopic is where records are parked, such as payments.{topic}.retry; {topic} stands
	// for the record's topic. A record that has failed ParkAfter times with ClassTransient
	// goes there, and all later records of its key follow it. The consumer reads the topic
	// too, and retries there until Retry.Attempts are used up, those before parking
	// included. The topic must exist. Defaults to none: records are retried in place. See
	// "Retry topics" in the package's documentation.
	RetryTopic string
	// ParkAfter is the number of failed attempts after which a record is parked. Defaults to 1.
	ParkAfter int
	// Parked is the table of parked records in SQL syntax, which the SQL of [ParkedDDL]
	// creates. It is used with RetryTopic only. Defaults to inbox_parked.
	Parked string

	// OnReject says what happens to a record that cannot be processed. Defaults to
	// DeadLetterRecord.
	OnReject Reject
	// DeadLetter is the dead letter topic; {topic} stands for the record's topic. It must
	// exist, unless OnReject is StopConsumer. Defaults to {topic}.DLT.
	DeadLetter string

	// TLS encrypts connections. Nil: no TLS.
	TLS *tls.Config
	// SASL authenticates at Kafka. Nil: no SASL.
	SASL *SASL
	// ConfigureSarama changes the configuration of the client library: timeouts, a rack,
	// Consumer.Group.InstanceId. It is called after TLS and SASL are set. New returns an
	// error if it changes what would lose or skip records. No other field has a type of
	// sarama, and this one may change in any version. May be nil.
	ConfigureSarama func(*sarama.Config)
	// ErrorText puts the text of a handler's or of the database's error into dead letters
	// (header walpost-dlt-error) and into what [Log] logs. Such a text may quote data of the
	// record. Without it they have SQLSTATE or the reason why a connection failed, the type in
	// Go, and names of table, column and constraint. What Run returns, and Observation.Err,
	// have the whole text in any case.
	ErrorText bool
	// Observers are called for what happens, such as [Log]. Without one, retries are silent.
	Observers []Observer
}

// Retry says how a record is retried that fails with ClassTransient. It is retried in place:
// the member stays in its group, and later records of the key wait. The zero value is 10
// attempts, the waits between which are a minute at most.
type Retry struct {
	// Attempts is the maximum number of attempts, the first included, before the record is
	// rejected: 1 does not retry. 0 is the default, 10. A negative number has no maximum.
	Attempts int
	// First is the wait after the first attempt. It doubles with each further attempt, up to
	// Max; jitter then shortens each wait by up to half. The waits of errors that are not
	// counted (ClassUnavailable) are the same. 0 is the default, 100 ms.
	First time.Duration
	// Max is the longest wait, before jitter. 0 is the default: 30 s, or First if that is
	// longer. It must not be below First.
	Max time.Duration
}

// wait returns the time to wait after so many attempts, from 1: First doubled for each,
// up to Max, and a random half of it left out, so that members that failed together
// do not come back together.
func (r Retry) wait(attempts int) time.Duration {
	return backoff.Exponential{Min: r.First, Max: r.Max, Jitter: backoff.Below}.Pause(attempts)
}

// Reject says what happens to a record that cannot be processed.
type Reject uint8

const (
	// DeadLetterRecord writes the record to its dead letter topic, and continues.
	DeadLetterRecord Reject = iota
	// StopConsumer ends Run with the error. The record is delivered again at the next start.
	StopConsumer
)

const (
	defaultAttempts       = 10
	defaultFirst          = 100 * time.Millisecond
	defaultMax            = 30 * time.Second
	defaultAttemptTimeout = 30 * time.Second
	topicPlace            = "{topic}"
)

func withDefaults(c Config) Config {
	c.Table = cmp.Or(c.Table, "inbox")
	c.IDHeader = cmp.Or(c.IDHeader, event.IDHeader)
	c.TypeHeader = cmp.Or(c.TypeHeader, event.TypeHeader)
	c.Parallel = cmp.Or(c.Parallel, 1)
	c.Batch = cmp.Or(c.Batch, 1)
	c.AttemptTimeout = cmp.Or(c.AttemptTimeout, defaultAttemptTimeout)
	c.Retry.Attempts = cmp.Or(c.Retry.Attempts, defaultAttempts)
	c.Retry.First = cmp.Or(c.Retry.First, defaultFirst)
	c.Retry.Max = cmp.Or(c.Retry.Max, max(defaultMax, c.Retry.First))
	c.ParkAfter = cmp.Or(c.ParkAfter, 1)
	c.Parked = cmp.Or(c.Parked, "inbox_parked")
	c.DeadLetter = cmp.Or(c.DeadLetter, dlt.DefaultTopic)
	return c
}

// check returns all faults at once.
func (c *Config) check() error {
	var found faults
	refuse := found.refuse
	fault := func(field, reason string) { refuse(true, field, "%s", reason) }
	access.CheckBrokers(c.Brokers, fault)
	c.checkNames(refuse)
	refuse(c.Parallel < 0, "Parallel", "%d: want at least 1", c.Parallel)
	refuse(c.Batch < 0, "Batch", "%d: want at least 1", c.Batch)
	refuse(c.AttemptTimeout < time.Millisecond, "AttemptTimeout", "%v: want at least 1ms", c.AttemptTimeout)
	refuse(c.Retry.First < 0, "Retry.First", "%v: want 0 or more", c.Retry.First)
	refuse(c.Retry.Max < c.Retry.First, "Retry.Max", "%v: want at least Retry.First (%v)", c.Retry.Max, c.Retry.First)
	refuse(c.ParkAfter < 0, "ParkAfter", "%d: want at least 1", c.ParkAfter)
	refuse(c.RetryTopic != "" && c.Retry.Attempts > 0 && c.ParkAfter >= c.Retry.Attempts, "ParkAfter",
		"%d: want fewer than Retry.Attempts (%d), or nothing is parked", c.ParkAfter, c.Retry.Attempts)
	refuse(c.OnReject > StopConsumer, "OnReject", "%d: want DeadLetterRecord or StopConsumer", c.OnReject)
	(*access.SASL)(c.SASL).Check(fault)
	return errors.Join(found...)
}

// checkNames checks the names of group, topics and tables.
func (c *Config) checkNames(refuse func(when bool, field, format string, args ...any)) {
	refuse(c.Group == "" || !validText(c.Group), "Group", "%q: want a name, in UTF-8 without NUL", c.Group)
	refuse(len(c.Topics) == 0 || slices.Contains(c.Topics, ""), "Topics", "%q: want names of topics", c.Topics)
	refuse(!pgname.IsTable(c.Table), "Table", `%q: want table or schema.table in SQL syntax, like public.inbox or "My Schema"."Inbox"`,
		c.Table)
	refuse(!pgname.IsTable(c.Parked), "Parked", "%q: want table or schema.table in SQL syntax", c.Parked)
	for _, topic := range c.Topics {
		refuse(slices.Contains(c.Topics, c.deadLetterOf(topic)),
			"DeadLetter", "%q is one of Topics for %q: dead letters would be read as events", c.DeadLetter, topic)
		refuse(slices.Contains(c.Topics, c.retryTopicOf(topic)), "RetryTopic", "%q is one of Topics for %q", c.RetryTopic, topic)
		refuse(c.retryTopicOf(topic) == c.deadLetterOf(topic), "RetryTopic", "it and DeadLetter are both %q for %q",
			c.deadLetterOf(topic), topic)
	}
}

// retryTopicOf is the retry topic of a topic; "" without.
func (c *Config) retryTopicOf(topic string) string {
	return strings.ReplaceAll(c.RetryTopic, topicPlace, topic)
}

// sourceOf returns the topic whose retry topic this is; without one, the topic itself.
func (c *Config) sourceOf(topic string) string {
	for _, source := range c.Topics {
		if c.RetryTopic != "" && c.retryTopicOf(source) == topic {
			return source
		}
	}
	return topic
}

// retryTopics are those of all topics.
func (c *Config) retryTopics() (names []string) {
	if c.RetryTopic == "" {
		return nil
	}
	for _, topic := range c.Topics {
		names = append(names, c.retryTopicOf(topic))
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// deadLetterOf is the dead letter topic of a topic.
func (c *Config) deadLetterOf(topic string) string {
	return strings.ReplaceAll(c.DeadLetter, topicPlace, topic)
}
