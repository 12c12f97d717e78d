package browser_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/cli/clitest"
	"github.com/walpost/walpost/internal/config/configtest"
	"github.com/walpost/walpost/internal/relay/relaytest"
)

// scene is a walpost process with two relays, and servers that the test may break.
type scene struct {
	postgres *devstack.Postgres
	kafka    *devstack.Kafka
	conns    map[string]*pgx.Conn // by relay, past walpost
	walpost  *clitest.Walpost
	origin   string // of the admin server
}

func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{conns: map[string]*pgx.Conn{}}
	s.postgres = devstacktest.StartPostgres(t, devstack.PostgresOptions{Settings: map[string]string{"max_slot_wal_keep_size": "256MB"}})
	s.kafka = devstacktest.StartKafka(t, devstack.KafkaOptions{})
	dir := t.TempDir()
	if err := s.kafka.CreateTopic(t.Context(), "walpost_positions", 1, 1, map[string]string{"cleanup.policy": "compact"}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"orders", "billing"} {
		if err := s.postgres.CreateDatabase(t.Context(), name); err != nil {
			t.Fatal(err)
		}
		conn := devstacktest.Connect(t, s.postgres, name)
		s.conns[name] = conn
		s.exec(t, name, relaytest.OutboxDDL)
		for _, kind := range []string{"order", "invoice"} {
			if err := s.kafka.CreateTopic(t.Context(), name+"."+kind, 2, 1, nil); err != nil {
				t.Fatal(err)
			}
		}
		keys := configtest.Keys{
			"name": name, "postgres.url": s.postgres.URL(name), "postgres.password": devstacktest.Canary,
			"outbox.topic": name + ".{aggregatetype}", "kafka.brokers": s.kafka.Bootstrap(devstack.Plaintext),
			"delivery.on_reject": "skip", "monitor.consumer_groups": []string{"*"}, "admin.listen": "127.0.0.1:0",
		}
		if name == "billing" {
			keys["delivery.guarantee"] = "exactly_once"
		}
		if err := os.WriteFile(filepath.Join(dir, name+".yaml"), []byte(keys.YAML(t)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.walpost = clitest.Start(t, "run", "-c", dir)
	s.origin = "http://" + s.walpost.Address(t)
	return s
}

func (s *scene) exec(t *testing.T, relay, sql string) {
	t.Helper()
	if _, err := s.conns[relay].Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// insert writes events of an aggregate type, in one transaction.
func (s *scene) insert(t *testing.T, relay, kind string, events int) {
	t.Helper()
	s.exec(t, relay, fmt.Sprintf(`INSERT INTO outbox (aggregatetype, aggregateid, type, payload)
		SELECT '%s', n::text, 'Created', jsonb_build_object('n', n) FROM generate_series(1, %d) n`, kind, events))
}
