package config_test

import (
	"bytes"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/pgname"
	"github.com/walpost/walpost/internal/topicname"
)

func load(t *testing.T, name string) *config.Config {
	t.Helper()
	cfg, err := config.Load(museum + name)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func reveal(t *testing.T, s config.Secret) string {
	t.Helper()
	text, err := s.Reveal()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestSmallestFileHasTheDefaults(t *testing.T) {
	cfg := load(t, "smallest.good.yaml")
	want := config.Default()
	want.File, want.Name = museum+"smallest.good.yaml", "orders"
	want.Postgres.URL = config.NewSecret("postgres://walpost@localhost:5432/shop")
	want.Postgres.Slot, want.Postgres.Publication, want.Kafka.ClientID = "walpost_orders", "walpost_orders", "walpost-orders"
	want.Kafka.Brokers, want.Delivery.TransactionalID = []string{"localhost:9092"}, "walpost-orders"
	if !reflect.DeepEqual(cfg, want) {
		t.Errorf("got  %+v\nwant %+v", cfg, want)
	}
}

// The defaults, literally.
func TestDefaults(t *testing.T) {
	topic, err := topicname.Parse("outbox.event.{aggregatetype}")
	if err != nil {
		t.Fatal(err)
	}
	letter, err := topicname.Parse("{topic}.DLT")
	if err != nil {
		t.Fatal(err)
	}
	want := &config.Config{
		Postgres: config.Postgres{Create: true, HibernateAfter: time.Minute},
		Outbox: config.Outbox{
			Source: "table", Table: pgname.Table{Schema: "public", Name: "outbox"}, Prefix: "outbox", Writers: "granted", Topic: topic,
			ID: "id", Key: config.Key{Column: "aggregateid"}, Value: "payload",
			Headers: []config.Header{{Name: "eventType", Column: "type"}}, MissingColumns: "error",
			Format: config.Format{
				Key: "text", Value: "text", Headers: "text", Binary: "bytes", NullBehavior: "ignore", EmptyArrayBehavior: "ignore",
				Envelope: []config.Envelope{},
			},
			Filter: []config.Filter{},
		},
		Kafka: config.Kafka{
			Compression: "lz4", MaxMessageBytes: 1 << 20,
			Topics: config.Topics{
				Partitions: -1, ReplicationFactor: -1, Config: map[string]string{}, Allow: []string{}, Most: 1000,
				Declare: map[string]config.DeclaredTopic{},
			},
		},
		Delivery: config.Delivery{
			Guarantee: "at_least_once", PositionTopic: "walpost_positions", InFlight: 16 << 20,
			OnReject: "stop", DeadLetter: letter,
		},
		Monitor:         config.Monitor{ConsumerGroups: []string{}},
		Admin:           config.Admin{Listen: "127.0.0.1:9464", Hosts: []string{}},
		Log:             config.Log{Level: "info", Format: "json"},
		ShutdownTimeout: 30 * time.Second,
	}
	if got := config.Default(); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestEverything(t *testing.T) {
	setEnvironment(t)
	cfg := load(t, "everything.good.yaml")
	if got := reveal(t, cfg.Postgres.Password); got != secretText {
		t.Errorf("password %q", got)
	}
	if want := (pgname.Table{Schema: "My Schema", Name: `Out"box`}); cfg.Outbox.Table != want {
		t.Errorf("table %+v", cfg.Outbox.Table)
	}
	if got := cfg.Outbox.Topic.Columns(); !reflect.DeepEqual(got, []string{"region", "kind"}) {
		t.Errorf("columns %q", got)
	}
	if got := cfg.Outbox.TopicOf("eu", "order"); got != "shop.eu.order.v1" || cfg.Outbox.TopicReplacement != "${NAME}" {
		t.Errorf("topic %s, replacement %s: it is the group, and not the variable", got, cfg.Outbox.TopicReplacement)
	}
	headers := []config.Header{
		{Name: "eventType", Column: "kind"},
		{Name: "id", Column: "other_id"},
		{Name: "Content Type", Column: "mime"},
		{Name: "*", JSON: true, Column: "more"},
		{Name: "region", Constant: "eu ${1}"},
	}
	if !reflect.DeepEqual(cfg.Outbox.Headers, headers) {
		t.Errorf("headers %+v", cfg.Outbox.Headers)
	}
	settings := map[string]string{
		"retention.ms": "604800000", "cleanup.policy": "compact,delete", "unclean.leader.election.enable": "false",
		"min.cleanable.dirty.ratio": "0.50",
	}
	if !reflect.DeepEqual(cfg.Kafka.Topics.Config, settings) {
		t.Errorf("topic settings %+v", cfg.Kafka.Topics.Config)
	}
	declared := map[string]config.DeclaredTopic{
		"shop.eu.order.v1": {
			Partitions: 24, ReplicationFactor: 3, Config: map[string]string{"min.insync.replicas": "2", "cleanup.policy": "compact"},
		},
		"other": {Partitions: -1, ReplicationFactor: -1, Config: map[string]string{}},
	}
	if !reflect.DeepEqual(cfg.Kafka.Topics.Declare, declared) {
		t.Errorf("declared topics %+v", cfg.Kafka.Topics.Declare)
	}
	if cfg.Kafka.TLS == nil || filepath.Base(cfg.Kafka.TLS.CA) != "ca.pem" || cfg.Kafka.SASL == nil ||
		cfg.Kafka.SASL.Mechanism != "OAUTHBEARER" {
		t.Errorf("tls %+v, sasl %+v", cfg.Kafka.TLS, cfg.Kafka.SASL)
	}
	if cfg.Delivery.InFlight != 32*config.MiB || cfg.ShutdownTimeout != 2*time.Minute || cfg.Admin.Listen != "" ||
		cfg.Kafka.Topics.ReplicationFactor != 3 {
		t.Errorf("%+v", cfg)
	}
	// The file has no key at its default, so that a key that is not read shows.
	defaults := config.Default()
	defaults.Outbox.Source, defaults.Outbox.Prefix, defaults.Outbox.Writers = "", "", "" // message excludes a table: message.good.yaml
	// A key of a JSON member and CloudEvents exclude these: format.good.yaml.
	defaults.Outbox.Format.Key, defaults.Outbox.Format.Headers = "", ""
	defaults.Outbox.Filter = nil // partitions that are dropped exclude it: filter.good.yaml
	same(t, "", reflect.ValueOf(*cfg), reflect.ValueOf(*defaults))
}

func TestFilter(t *testing.T) {
	t.Setenv("KIND", "external")
	want := []config.Filter{{Column: "kind", Texts: []string{"external", "1", ""}}, {Column: "Listener Id", Texts: []string{"a, b"}}}
	if got := load(t, "filter.good.yaml").Outbox.Filter; !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
}

func TestFormats(t *testing.T) {
	f := load(t, "format.good.yaml").Outbox.Format
	if f.Key != config.EncodingJSON || f.Value != config.EncodingText || f.Headers != config.EncodingJSONSchema {
		t.Errorf("%+v", f)
	}
}

func TestMessagesWithoutATable(t *testing.T) {
	cfg := load(t, "message.good.yaml")
	if !cfg.Outbox.Messages() || cfg.Outbox.Prefix != "orders" || !cfg.Outbox.AnyWriter() || cfg.Outbox.Value != "payload" {
		t.Errorf("%+v", cfg.Outbox)
	}
	var printed bytes.Buffer
	if err := config.Print(&printed, cfg); err != nil || strings.Contains(printed.String(), "table:") ||
		!strings.Contains(printed.String(), "prefix: orders") {
		t.Errorf("%v\n%s", err, printed.String())
	}
}

// same reports fields below that are equal in both.
func same(t *testing.T, path string, a, b reflect.Value) {
	for i := range a.NumField() {
		field := a.Type().Field(i)
		name := path + "." + field.Name
		switch {
		case field.Type.Kind() == reflect.Struct && field.IsExported() && field.Type.Field(0).Tag.Get("yaml") != "":
			same(t, name, a.Field(i), b.Field(i))
		case reflect.DeepEqual(a.Field(i).Interface(), b.Field(i).Interface()):
			t.Errorf("%s is at its default: %v", name, a.Field(i))
		}
	}
}

func TestReferencesInEveryKindOfScalar(t *testing.T) {
	setEnvironment(t)
	cfg := load(t, "references.good.yaml")
	if got := reveal(t, cfg.Postgres.URL); got != "postgres://orders@localhost:5432/shop" {
		t.Errorf("url %q", got)
	}
	if got := reveal(t, cfg.Postgres.Password); got != "p: #'x\n- \"y\" ${SET} @" {
		t.Errorf("password %q: what a reference gives is taken as it is", got)
	}
	want := config.Default()
	want.File, want.Name = cfg.File, "orders"
	want.Postgres = config.Postgres{
		URL: cfg.Postgres.URL, Password: cfg.Postgres.Password, Slot: "walpost_orders", Publication: "walpost_orders",
		Create: true, Failover: true, HibernateAfter: 90 * time.Second,
	}
	want.Outbox.Table, want.Outbox.Headers = pgname.Table{Schema: "orders", Name: "outbox"}, []config.Header{{Name: "kind", Column: "kind"}}
	want.Outbox.Topic, want.Outbox.PositionHeader = cfg.Outbox.Topic, "${NAME}"
	want.Kafka.ClientID, want.Kafka.Brokers = "walpost-orders", []string{"localhost:9092", "[::1]:9092"}
	want.Kafka.Linger, want.Kafka.MaxMessageBytes = 5*time.Millisecond, 2*config.MiB
	want.Kafka.Topics = config.Topics{
		Partitions: 3, ReplicationFactor: 3, Config: map[string]string{"retention.ms": "3"}, Allow: []string{"orders.*"}, Most: 1000,
		Declare: map[string]config.DeclaredTopic{"orders.paid": {
			Partitions: 3, ReplicationFactor: -1, Config: map[string]string{"retention.ms": "3"},
		}},
	}
	want.Delivery.TransactionalID = "walpost-orders"
	want.Delivery.InFlight, want.Delivery.OnReject = 2*config.MiB, "skip"
	if !reflect.DeepEqual(cfg, want) || cfg.Outbox.Topic.String() != "orders.{aggregatetype}" {
		t.Errorf("got  %+v\nwant %+v", cfg, want)
	}
}

func TestAnchorsAndNoHeaders(t *testing.T) {
	if cfg := load(t, "anchors.good.yaml"); cfg.ShutdownTimeout != 45*time.Second || cfg.Postgres.HibernateAfter != 45*time.Second {
		t.Errorf("%+v", cfg)
	}
	cfg := load(t, "json.good.yaml")
	if cfg.Outbox.Headers == nil || len(cfg.Outbox.Headers) != 0 || cfg.Kafka.TLS == nil {
		t.Errorf("headers: {} means none, tls: {} turns it on: %+v", cfg)
	}
}

func TestUnreadableFiles(t *testing.T) {
	for path, want := range map[string]string{
		"/nonexistent/orders.yaml": "/nonexistent/orders.yaml: cannot be read: no such file or directory",
		"/":                        "/: cannot be read: is a directory",
	} {
		if _, err := config.Load(path); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
