package projection

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/pkg/inbox"
	"github.com/walpost/walpost/pkg/projection/internal/kafka/access"
	"github.com/walpost/walpost/pkg/projection/internal/kafka/event"
	"github.com/walpost/walpost/pkg/projection/internal/kafka/read"
)

// Config describes a projection. Name, Brokers and Topics are required.
type Config struct {
	// Name is the projection's name in the position table. A projection that is renamed
	// begins at Start.
	Name string
	// Brokers are addresses of Kafka to begin with, host:port.
	Brokers []string
	// Topics are the topics to read, all partitions of each.
	Topics []string
	// Start is where a projection without a position begins. Defaults to Beginning.
	Start Start

	// Tables are the tables of the read model that Rebuild makes anew, as the
	// transaction sees them: order_list, shop.order_list. Small letters, digits and _,
	// and names of at most 54 bytes.
	Tables []string
	// Reshape lets Rebuild put tables TABLE__rebuild in place that you have made with other
	// columns, constraints or indexes than those in use have. Without it they are refused.
	Reshape bool
	// Position is the position table, which the SQL of [DDL] creates. Defaults to
	// projection_position.
	Position string
	// IDHeader and TypeHeader are the headers of Event.ID and Event.Type. They default
	// to id and eventType.
	IDHeader, TypeHeader string

	// Batch is the maximum number of records in one transaction. Only records that are
	// already waiting share one. Defaults to 100.
	Batch int
	// AttemptTimeout is the maximum time of one transaction, the wait for its connection
	// included, after which the handler's context ends. Defaults to 30 s.
	AttemptTimeout time.Duration

	// TLS encrypts connections. Nil: no TLS.
	TLS *tls.Config
	// SASL authenticates at Kafka. Nil: no SASL.
	SASL *inbox.SASL
	// ConfigureSarama changes the configuration of the client library, after TLS and SASL:
	// time-outs, a rack. What correctness rests on must stay as it is, or New refuses. This is
	// the only place that names a type of sarama. It follows sarama's versions, and is no part
	// of what this package promises. May be nil.
	ConfigureSarama func(*sarama.Config)
	// ErrorText puts the text of the handler's errors into Observation.ErrorText, and so into
	// logs. It may quote data. Without it there is what the error is: its SQLSTATE, or its type.
	ErrorText bool
	// Observers are called for what happens: see inbox.Log and package inboxprom. Without
	// one, a projection that cannot reach Kafka retries in silence.
	Observers []inbox.Observer
}

// ErrConfig means that a configuration cannot work. Each such error is a [*ConfigError].
var ErrConfig = errors.New("projection: configuration")

// ConfigError says which field of a configuration cannot work, and why. errors.Is finds
// [ErrConfig] in it. New joins those of all fields; errors.As finds the first.
type ConfigError struct {
	Field  string // like "Tables"
	Reason string
}

// Error names the field and the reason.
func (e *ConfigError) Error() string { return ErrConfig.Error() + ": " + e.Field + ": " + e.Reason }

// Unwrap returns ErrConfig.
func (e *ConfigError) Unwrap() error { return ErrConfig }

func badConfig(field, format string, args ...any) error {
	return &ConfigError{Field: field, Reason: fmt.Sprintf(format, args...)}
}

const (
	defaultPosition       = "projection_position"
	defaultBatch          = 100
	defaultAttemptTimeout = 30 * time.Second
	shadowSuffix          = "__rebuild"
	longestName           = 63 - len(shadowSuffix)
)

func withDefaults(c Config) Config {
	c.Position = cmp.Or(c.Position, defaultPosition)
	c.IDHeader = cmp.Or(c.IDHeader, event.IDHeader)
	c.TypeHeader = cmp.Or(c.TypeHeader, event.TypeHeader)
	c.Batch = cmp.Or(c.Batch, defaultBatch)
	c.AttemptTimeout = cmp.Or(c.AttemptTimeout, defaultAttemptTimeout)
	c.Topics, c.Tables = slices.Clone(c.Topics), slices.Clone(c.Tables)
	return c
}

// check returns all faults at once.
func (c *Config) check() error {
	var faults []error
	refuse := func(when bool, field, format string, args ...any) {
		if when {
			faults = append(faults, badConfig(field, format, args...))
		}
	}
	refuse(c.Name == "" || strings.ContainsAny(c.Name, "/\x00"), "Name", "%q: want a name without /", c.Name)
	refuse(len(c.Topics) == 0 || slices.Contains(c.Topics, ""), "Topics", "%q: want names of topics", c.Topics)
	refuse(len(slices.Compact(slices.Sorted(slices.Values(c.Topics)))) != len(c.Topics), "Topics", "%q: want each once", c.Topics)
	refuse(c.Batch < 1, "Batch", "%d: want at least 1", c.Batch)
	refuse(c.AttemptTimeout < time.Millisecond, "AttemptTimeout", "%v: want at least 1ms", c.AttemptTimeout)
	refuse(!isTable(c.Position), "Position", "%q: "+wantTable, c.Position, longestName)
	for _, name := range c.Tables {
		refuse(!isTable(name), "Tables", "%q: "+wantTable, name, longestName)
	}
	fault := func(field, reason string) { refuse(true, field, "%s", reason) }
	access.CheckBrokers(c.Brokers, fault)
	(*access.SASL)(c.SASL).Check(fault)
	return errors.Join(faults...)
}

const wantTable = "want table or schema.table, of small letters, digits and _, up to %d bytes"

func isTable(name string) bool {
	return tableName.MatchString(name) && len(baseOf(name)) <= longestName
}

var tableName = regexp.MustCompile(`^([a-z_][a-z0-9_]*\.)?[a-z_][a-z0-9_]*$`)

// baseOf is a table's name without its schema.
func baseOf(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }

// saramaConfig is sarama's configuration after the caller's changes.
func (c *Config) saramaConfig() (*sarama.Config, error) {
	s := read.Config("projection-" + c.Name)
	s.Consumer.IsolationLevel = sarama.ReadCommitted // what a relay with exactly_once has aborted never happened
	s.Consumer.Return.Errors = true                  // out of range is told there alone
	access.Set(s, c.TLS, (*access.SASL)(c.SASL))
	if c.ConfigureSarama != nil {
		c.ConfigureSarama(s)
	}
	const hook = "ConfigureSarama"
	if s.Consumer.IsolationLevel != sarama.ReadCommitted {
		return nil, badConfig(hook, "Consumer.IsolationLevel must be ReadCommitted: aborted records would be applied")
	}
	if !s.Consumer.Return.Errors {
		return nil, badConfig(hook, "Consumer.Return.Errors must be true: errors would go unseen")
	}
	if err := s.Validate(); err != nil {
		return nil, badConfig(hook, "%v", err)
	}
	return s, nil
}
