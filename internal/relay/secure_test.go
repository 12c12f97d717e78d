package relay_test

import (
	"fmt"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/status"
)

// canary is a secret that must appear in no log and no error (law 6).
const canary = "canary-S3cret!"

// secured are servers with TLS and passwords.
type secured struct {
	kafka     *devstack.Kafka
	db        devstacktest.Database
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
		TLS: &devstack.ServerTLS{CA: ca, ClientAuth: true}, Users: map[string]string{"walpost": canary},
	})
	p := devstacktest.StartPostgres(t, devstack.PostgresOptions{Password: canary, TLS: &devstack.ServerTLS{CA: ca}})
	db := ownDatabase(t, p, relaytest.OutboxDDL)
	db.URL = p.URLFor("postgres", "", "postgres")
	return &secured{kafka: k, db: db, ca: file, other: other, cert: cert, key: key}
}

// yaml is the section kafka, for one listener.
func (s *secured) yaml(l devstack.Listener, more string) string {
	return fmt.Sprintf("kafka:\n  brokers: [%s]\n%s", strings.Join(s.kafka.Bootstrap(l), ", "), more)
}

// tls is for a client that trusts an authority.
func (s *secured) tls(ca, more string) string {
	return fmt.Sprintf("  tls: {ca: %s, cert: %s, key: %s%s}\n", ca, s.cert, s.key, more)
}

func saslYAML(mechanism, user, password string) string {
	return fmt.Sprintf("  sasl: {mechanism: %s, username: %s, password: '%s'}\n", mechanism, user, password)
}

// bench is a relay with this section and a password for Postgres.
func (s *secured) bench(t *testing.T, kafkaYAML, password string) *bench {
	t.Helper()
	b := newBenchOn(t, s.db, s.kafka, kafkaYAML)
	b.cfg.Postgres.Password = config.NewSecret(password)
	return b
}

// The way of an event with TLS and passwords on both sides, and what is said when
// one of them is wrong.
func TestLaw6_SecuredServersAndNoSecretInLogs(t *testing.T) {
	t.Parallel()
	s := newSecured(t)
	plain := s.yaml(devstack.SASLPlaintext, saslYAML("PLAIN", "walpost", canary))
	n := 0
	for name, yaml := range map[string]string{
		"client certificate":      s.yaml(devstack.TLS, s.tls(s.ca, "")),
		"PLAIN":                   plain,
		"SCRAM-SHA-256":           s.yaml(devstack.SASLPlaintext, saslYAML("SCRAM-SHA-256", "walpost", canary)),
		"SCRAM-SHA-512 under TLS": s.yaml(devstack.SASLTLS, s.tls(s.ca, "")+saslYAML("SCRAM-SHA-512", "walpost", canary)),
	} {
		t.Run(name, func(t *testing.T) {
			n++
			b := s.bench(t, yaml, canary)
			b.start(t)
			b.db.Exec(t, relaytest.Insert(name, n))
			b.consume(t, b.topic, 1)
			b.confirmed(t)
			if err := b.end(t); err != nil {
				t.Fatal(err)
			}
		})
	}
	for name, tc := range map[string]struct{ yaml, says string }{
		"wrong CA":           {s.yaml(devstack.TLS, s.tls(s.other, "")), "certificate"},
		"wrong name":         {s.yaml(devstack.TLS, s.tls(s.ca, ", server_name: kafka.example")), "kafka.example"},
		"wrong password":     {s.yaml(devstack.SASLPlaintext, saslYAML("SCRAM-SHA-256", "walpost", canary+"x")), "uthentication"},
		"wrong user":         {s.yaml(devstack.SASLPlaintext, saslYAML("PLAIN", "nobody", canary)), "uthentication"},
		"plain text to TLS":  {s.yaml(devstack.TLS, ""), ""},
		"no SASL but needed": {s.yaml(devstack.SASLPlaintext, ""), ""},
	} {
		t.Run(name, func(t *testing.T) { s.outOfReach(t, tc.yaml, tc.says) })
	}
	t.Run("wrong Postgres password", func(t *testing.T) {
		b := s.bench(t, plain, canary+"x")
		log := b.logTo(t)
		b.launch(t)
		err := b.wait(t)
		if status.ExitCode(err) != status.ExitRequirement || !strings.Contains(fmt.Sprint(err), "password") {
			t.Errorf("ended with %v", err)
		}
		if strings.Contains(log.String()+fmt.Sprint(err), canary) {
			t.Errorf("a secret is shown: %v\n%s", err, log)
		}
	})
}

// outOfReach runs a relay that cannot speak with Kafka: it says why, and no secret.
func (s *secured) outOfReach(t *testing.T, kafkaYAML, says string) {
	t.Helper()
	b := s.bench(t, kafkaYAML, canary)
	log := b.logTo(t)
	b.launch(t)
	b.until(t, "Kafka to be out of reach", func() bool { return b.relay.Status().State == status.KafkaUnavailable })
	if status := b.relay.Status(); !strings.Contains(status.Reason, says) || status.Reason == "" {
		t.Errorf("the reason %q does not say %q", status.Reason, says)
	}
	if err := b.end(t); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(log.String(), canary) {
		t.Errorf("the log holds a secret:\n%s", log)
	}
}

// logTo keeps the next launch's log as text.
func (b *bench) logTo(t *testing.T) *devstacktest.Output {
	t.Helper()
	buf := &devstacktest.Output{}
	b.log = zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), buf, zap.DebugLevel))
	return buf
}
