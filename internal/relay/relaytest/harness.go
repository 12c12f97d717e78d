package relaytest

import (
	"cmp"
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
	"github.com/walpost/walpost/internal/assemble"
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
	DB    devstacktest.Database // of a server that the test may break; zero: a new one in the shared Postgres
	Kafka *devstack.Kafka       // a cluster that the test may break; nil: the shared one
	DDL   string                // makes the outbox; "": OutboxDDL

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
	Log  *observer.ObservedLogs // from Info on

	keys configtest.Keys
}

// New makes the database, the topic and the configuration.
func New(t testing.TB, stack *devstacktest.Stack, o Options) *Harness {
	t.Helper()
	h := &Harness{DB: o.DB, Kafka: o.Kafka, Prefix: stack.Name(t)}
	if h.DB.Server == nil {
		h.DB = stack.Database(t)
	}
	if h.Kafka == nil {
		h.Kafka = stack.Kafka(t)
	}
	h.DB.Exec(t, cmp.Or(o.DDL, OutboxDDL))
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
	h.Topic = strings.ReplaceAll(cmp.Or(o.Topic, Prefix+".order"), Prefix, h.Prefix)
	if err := h.Kafka.CreateTopic(t.Context(), h.Topic, cmp.Or(o.Partitions, Partitions), 1, o.TopicConfig); err != nil {
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

// Second returns a harness with the same servers, topic and configuration, for a second relay.
func (h *Harness) Second() *Harness {
	twin := *h
	return &twin
}

// UseKafka makes the topic in another Kafka, and configures the relay for that.
func (h *Harness) UseKafka(t testing.TB, k *devstack.Kafka, l devstack.Listener, replicas int16) {
	t.Helper()
	h.Kafka = k
	if err := k.CreateTopic(t.Context(), h.Topic, Partitions, replicas, nil); err != nil {
		t.Fatal(err)
	}
	h.Configure(t, configtest.Keys{"kafka.brokers": k.Bootstrap(l)})
}

// Exec runs statements as superuser.
func (h *Harness) Exec(t testing.TB, statements ...string) {
	t.Helper()
	h.DB.Exec(t, statements...)
}

// Reconnect opens the connection of the test again, to the same server or to another one that has the database.
func (h *Harness) Reconnect(t testing.TB, server *devstack.Postgres) {
	t.Helper()
	h.DB = devstacktest.DatabaseOn(t, server, h.DB.Name)
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
	all, everything := observer.New(zapcore.DebugLevel)
	info, logs := observer.New(zapcore.InfoLevel)
	log := zaptest.NewLogger(t, zaptest.Level(zap.InfoLevel)).WithOptions(zap.WrapCore(func(shown zapcore.Core) zapcore.Core {
		return zapcore.NewTee(shown, info, all)
	}))
	h.Log, h.Seen = logs, &Counts{}
	r, err := assemble.Relay(h.Config, h.Seen, log)
	if err != nil {
		t.Fatal(err)
	}
	if h.Prepare != nil {
		h.Prepare(r)
	}
	t.Cleanup(func() { keepsSecret(t, r, everything) }) // after it has ended
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

// Stop ends the relay in order.
func (h *Harness) Stop(t testing.TB) {
	t.Helper()
	if err := h.End(t); err != nil {
		t.Fatal(err)
	}
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
