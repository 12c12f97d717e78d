package relay_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/status"
)

// secured are servers with TLS and passwords.
type secured struct {
	kafka     *devstack.Kafka
	postgres  *devstack.Postgres
	ca, other string // files of the servers' authority, and of another one
	cert, key string // files of a client certificate
}

func newSecured(t *testing.T) *secured {
	t.Helper()
	dir := t.TempDir()
	authority := func(name string) (*devstack.CA, string) {
		ca, err := devstack.NewCA(name)
		if err != nil {
			t.Fatal(err)
		}
		file, err := ca.WriteFile(dir, name+".pem")
		if err != nil {
			t.Fatal(err)
		}
		return ca, file
	}
	ca, file := authority("walpost")
	_, other := authority("other")
	client, err := ca.Client("walpost")
	if err != nil {
		t.Fatal(err)
	}
	cert, key, err := client.WriteFiles(dir, "client")
	if err != nil {
		t.Fatal(err)
	}
	k := devstacktest.StartKafka(t, devstack.KafkaOptions{
		TLS: &devstack.ServerTLS{CA: ca, ClientAuth: true}, Users: map[string]string{"walpost": devstacktest.Canary},
	})
	p := devstacktest.StartPostgres(t, devstack.PostgresOptions{Password: devstacktest.Canary, TLS: &devstack.ServerTLS{CA: ca}})
	return &secured{kafka: k, postgres: p, ca: file, other: other, cert: cert, key: key}
}

// keys are for one listener of Kafka.
func (s *secured) keys(l devstack.Listener, more keys) keys {
	return more.With(keys{"kafka.brokers": s.kafka.Bootstrap(l)})
}

// tls is for a client that trusts an authority.
func (s *secured) tls(ca string) keys {
	return keys{"kafka.tls.ca": ca, "kafka.tls.cert": s.cert, "kafka.tls.key": s.key}
}

func sasl(mechanism, user, password string) keys {
	return keys{"kafka.sasl.mechanism": mechanism, "kafka.sasl.username": user, "kafka.sasl.password": password}
}

// harness is a relay with these keys and a password for Postgres.
func (s *secured) harness(t *testing.T, kafka keys, password string) *harness {
	t.Helper()
	db := devstacktest.CreateDatabase(t, s.postgres, stack.Name(t), "")
	return newHarness(t, relaytest.Options{DB: db, Kafka: s.kafka, Keys: kafka.With(keys{
		"postgres.url": s.postgres.URLFor("postgres", "", db.Name), "postgres.password": password,
	})})
}

// The way of an event with TLS and passwords on both sides, and what is said when
// one of them is wrong.
func TestLaw6_SecuredServersAndNoSecretInLogs(t *testing.T) {
	t.Parallel()
	s := newSecured(t)
	plain := s.keys(devstack.SASLPlaintext, sasl("PLAIN", "walpost", devstacktest.Canary))
	n := 0
	for name, kafka := range map[string]keys{
		"client certificate":      s.keys(devstack.TLS, s.tls(s.ca)),
		"PLAIN":                   plain,
		"SCRAM-SHA-256":           s.keys(devstack.SASLPlaintext, sasl("SCRAM-SHA-256", "walpost", devstacktest.Canary)),
		"SCRAM-SHA-512 under TLS": s.keys(devstack.SASLTLS, s.tls(s.ca).With(sasl("SCRAM-SHA-512", "walpost", devstacktest.Canary))),
	} {
		t.Run(name, func(t *testing.T) {
			n++
			h := s.harness(t, kafka, devstacktest.Canary)
			h.Start(t)
			h.Exec(t, relaytest.Insert(name, n))
			h.consume(t, h.Topic, 1)
			h.Confirmed(t)
			h.Stop(t)
		})
	}
	for name, tc := range map[string]struct {
		kafka keys
		says  string
	}{
		"wrong CA":           {s.keys(devstack.TLS, s.tls(s.other)), "certificate"},
		"wrong name":         {s.keys(devstack.TLS, s.tls(s.ca).With(keys{"kafka.tls.server_name": "kafka.example"})), "kafka.example"},
		"wrong password":     {s.keys(devstack.SASLPlaintext, sasl("SCRAM-SHA-256", "walpost", devstacktest.Canary+"x")), "uthentication"},
		"wrong user":         {s.keys(devstack.SASLPlaintext, sasl("PLAIN", "nobody", devstacktest.Canary)), "uthentication"},
		"plain text to TLS":  {s.keys(devstack.TLS, nil), ""},
		"no SASL but needed": {s.keys(devstack.SASLPlaintext, nil), ""},
	} {
		t.Run(name, func(t *testing.T) { s.outOfReach(t, tc.kafka, tc.says) })
	}
	t.Run("wrong Postgres password", func(t *testing.T) {
		h := s.harness(t, plain, devstacktest.Canary+"x")
		h.Launch(t)
		err := h.Wait(t)
		if status.ExitCode(err) != status.ExitRequirement || !strings.Contains(fmt.Sprint(err), "password") {
			t.Errorf("ended with %v", err)
		}
		devstacktest.KeepsSecret(t, "the halt", fmt.Sprint(err))
	})
}

// outOfReach runs a relay that cannot speak with Kafka: it says why, and the harness
// sees that it shows no secret.
func (s *secured) outOfReach(t *testing.T, kafka keys, says string) {
	t.Helper()
	h := s.harness(t, kafka, devstacktest.Canary)
	h.Launch(t)
	h.Until(t, "Kafka to be out of reach", func() bool { return h.Status().State == status.KafkaUnavailable })
	if status := h.Status(); !strings.Contains(status.Reason, says) || status.Reason == "" {
		t.Errorf("the reason %q does not say %q", status.Reason, says)
	}
	h.Stop(t)
}
