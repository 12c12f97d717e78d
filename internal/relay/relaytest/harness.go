package relaytest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest"
	"go.uber.org/zap/zaptest/observer"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/dev/oracle"
	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/config/configtest"
	"github.com/walpost/walpost/internal/relay"
	"github.com/walpost/walpost/internal/status"
)

// Partitions is how many partitions the topic of a Harness has when its options do not say.
const Partitions = 4

// Prefix stands for Harness.Prefix in the options of a harness and in its configuration.
const Prefix = "PREFIX"

// Options say how a Harness differs from the usual one: the outbox of Debezium in a new database of the shared Postgres,
// and a topic for the aggregate type order in the shared Kafka.
type Options struct {
	DB    *devstacktest.Database // of a server that the test may break; nil: a new one in the shared Postgres
	Kafka *devstack.Kafka        // a cluster that the test may break; nil: the shared one
	DDL   []string               // makes the outbox; nil: OutboxDDL

	Topic       string            // "": PREFIX.order
	Partitions  int32             // of that topic; 0: Partitions
	TopicConfig map[string]string // the same

	// Keys are other keys of the configuration than the usual: name, postgres.url with the canary, kafka.brokers, and
	// outbox.topic PREFIX.{aggregatetype}.
	Keys configtest.Keys
}

// Harness is one relay on real servers: a database with an outbox, a topic for it, and a configuration. The relay may
// be launched as often as it has ended, with a changed Config too.
type Harness struct {
	DB     devstacktest.Database
	Kafka  *devstack.Kafka
	Prefix string // of topics; it is the relay's name too
	Topic  string
	Config *config.Config

	// Prepare changes a relay before it runs; nil: as it is.
	Prepare func(*relay.Relay)

	// Of the last launch:

	*Running

	Seen *Counts
	Log  *observer.ObservedLogs // from Debug on

	keys configtest.Keys
}

// New makes the database, the topic and the configuration.
func New(t testing.TB, stack *devstacktest.Stack, o Options) *Harness {
	t.Helper()
	h := &Harness{Kafka: o.Kafka, Prefix: stack.Name(t)}
	if o.DB != nil {
		h.DB = *o.DB
	} else {
		h.DB = stack.Database(t)
	}
	if o.DDL == nil {
		o.DDL = []string{OutboxDDL}
	}
	h.DB.Exec(t, o.DDL...)
	if h.Kafka == nil {
		h.Kafka = stack.Kafka(t)
	}
	h.createTopic(t, &o)
	h.keys = configtest.Keys{
		"name": h.Prefix, "postgres.url": h.DB.URL,
		"kafka.brokers": h.Kafka.Bootstrap(devstack.Plaintext), "outbox.topic": Prefix + ".{aggregatetype}",
	}
	h.Configure(t, o.Keys)
	return h
}

func (h *Harness) createTopic(t testing.TB, o *Options) {
	t.Helper()
	if o.Topic == "" {
		o.Topic = Prefix + ".order"
	}
	if o.Partitions == 0 {
		o.Partitions = Partitions
	}
	h.Topic = strings.ReplaceAll(o.Topic, Prefix, h.Prefix)
	if err := h.Kafka.CreateTopic(t.Context(), h.Topic, o.Partitions, 1, o.TopicConfig); err != nil {
		t.Fatal(err)
	}
}

// Configure loads the configuration again, with other keys than before.
func (h *Harness) Configure(t testing.TB, keys configtest.Keys) {
	t.Helper()
	h.keys = h.keys.With(keys)
	h.Config = Load(t, h.yaml(t, nil))
}

// File writes a configuration that differs from that of the harness by these keys, and returns its path. The keys need
// not be ones that walpost takes.
func (h *Harness) File(t testing.TB, keys configtest.Keys) string {
	t.Helper()
	return configtest.File(t, h.yaml(t, keys))
}

func (h *Harness) yaml(t testing.TB, keys configtest.Keys) string {
	t.Helper()
	keys = h.keys.With(keys)
	if url, is := keys["postgres.url"].(string); is && keys["postgres.password"] == nil {
		keys["postgres.url"] = devstacktest.WithCanary(t, url)
	}
	return strings.ReplaceAll(keys.YAML(t), Prefix, h.Prefix)
}

// Exec runs statements as superuser.
func (h *Harness) Exec(t testing.TB, statements ...string) {
	t.Helper()
	h.DB.Exec(t, statements...)
}

// Reconnect opens the connection of the test again, to the same server or to another one that has the database.
func (h *Harness) Reconnect(t testing.TB, server *devstack.Postgres) {
	t.Helper()
	url := h.DB.URL
	h.DB = devstacktest.DatabaseOn(t, server, h.DB.Name)
	h.DB.URL = url
}

// Start runs the relay and waits until it streams.
func (h *Harness) Start(t testing.TB) {
	t.Helper()
	h.Launch(t)
	h.State(t, status.Streaming)
}

// Launch runs the relay. Neither its log nor its report may show the canary.
func (h *Harness) Launch(t testing.TB) {
	t.Helper()
	core, logs := observer.New(zapcore.DebugLevel)
	log := zaptest.NewLogger(t, zaptest.Level(zap.InfoLevel)).WithOptions(zap.WrapCore(func(shown zapcore.Core) zapcore.Core {
		return zapcore.NewTee(shown, core)
	}))
	h.Log, h.Seen = logs, &Counts{}
	r, err := relay.New(h.Config, h.Seen, log)
	if err != nil {
		t.Fatal(err)
	}
	if h.Prepare != nil {
		h.Prepare(r)
	}
	t.Cleanup(func() { keepsSecret(t, r, logs) }) // after it has ended
	h.Running = Run(t, r)
}

// keepsSecret looks for the canary in all that a relay has shown.
func keepsSecret(t testing.TB, r *relay.Relay, logs *observer.ObservedLogs) {
	t.Helper()
	for _, e := range logs.All() {
		devstacktest.KeepsSecret(t, "the log", fmt.Sprint(e.Message, e.ContextMap()))
	}
	report, err := json.Marshal(r.Report(""))
	if err != nil {
		t.Fatal(err)
	}
	devstacktest.KeepsSecret(t, "the report", string(report))
}

// Logged returns how many lines of the relay's log hold a text.
func (h *Harness) Logged(text string) int {
	return h.Log.Filter(func(e observer.LoggedEntry) bool { return strings.Contains(e.Message, text) }).Len()
}

// Passes waits until so many more records are in Kafka.
func (h *Harness) Passes(t testing.TB, records int64) {
	t.Helper()
	want := h.Seen.Records.Load() + records
	h.Until(t, fmt.Sprint(records, " records to pass"), func() bool { return h.Seen.Records.Load() >= want })
}

// Confirmed waits until the slot is confirmed up to all that was written so far, while the relay runs.
func (h *Harness) Confirmed(t testing.TB) {
	t.Helper()
	h.Until(t, "the slot to be confirmed", devstacktest.Confirmed(t, h.DB.Conn, h.Config.Postgres.Slot))
}

// Released waits until nobody reads the slot.
func (h *Harness) Released(t testing.TB) {
	t.Helper()
	devstacktest.Await(t, "the slot to be free", devstacktest.Released(t, h.DB.Conn, h.Config.Postgres.Slot))
}

// Exact checks that the topic holds what the table does, see Exact.
func (h *Harness) Exact(t testing.TB) *oracle.Report {
	t.Helper()
	return Exact(t, h.DB.Conn, h.Kafka, h.Topic)
}
