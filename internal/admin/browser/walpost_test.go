package browser_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/internal/devstack"
	"github.com/walpost/walpost/internal/devstack/devstacktest"
)

// canary is a secret of the configuration: nothing may show it.
const canary = "canary-0815"

const outboxDDL = `CREATE TABLE outbox (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), aggregatetype text NOT NULL,
	aggregateid text, type text, payload jsonb)`

// scene is a walpost process with two relays, and servers that the test may break.
type scene struct {
	postgres *devstack.Postgres
	kafka    *devstack.Kafka
	conns    map[string]*pgx.Conn // by relay, past walpost
	logs     *lines
	origin   string // of the admin server
}

// lines is what a process has written so far.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{conns: map[string]*pgx.Conn{}, logs: &lines{}}
	s.postgres = devstacktest.StartPostgres(t, devstack.PostgresOptions{Settings: map[string]string{"max_slot_wal_keep_size": "256MB"}})
	s.kafka = devstacktest.StartKafka(t, devstack.KafkaOptions{})
	dir := t.TempDir()
	for _, name := range []string{"orders", "billing"} {
		if err := s.postgres.CreateDatabase(t.Context(), name); err != nil {
			t.Fatal(err)
		}
		conn, err := s.postgres.Connect(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
		s.conns[name] = conn
		s.exec(t, name, outboxDDL)
		for _, kind := range []string{"order", "invoice"} {
			if err := s.kafka.CreateTopic(t.Context(), name+"."+kind, 2, 1, nil); err != nil {
				t.Fatal(err)
			}
		}
		yaml := fmt.Sprintf(`name: %s
postgres: {url: %q, password: %s}
outbox: {topic: "%s.{aggregatetype}"}
kafka: {brokers: [%s]}
delivery: {on_reject: skip}
monitor: {consumer_groups: ["*"]}
admin: {listen: "127.0.0.1:0"}
`, name, s.postgres.URL(name), canary, name, s.kafka.Bootstrap(devstack.Plaintext)[0])
		if err := os.WriteFile(filepath.Join(dir, name+".yaml"), []byte(yaml), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.start(t, dir)
	return s
}

// start runs this test binary as walpost. It ends with the test.
func (s *scene) start(t *testing.T, dir string) {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), binary, "run", "-c", dir)
	cmd.Env = append(os.Environ(), asWalpost+"=1")
	cmd.Stdout, cmd.Stderr = s.logs, s.logs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("walpost wrote:\n%s", s.logs)
		}
	})
	address := regexp.MustCompile(`"address":"([^"]+)"`)
	await(t, "the admin server", func() bool { return address.MatchString(s.logs.String()) })
	s.origin = "http://" + address.FindStringSubmatch(s.logs.String())[1]
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

// get asks the admin server.
func (s *scene) get(t *testing.T, path string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.origin+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
