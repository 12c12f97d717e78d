package relay_test

import (
	"fmt"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/devstack"
	"github.com/walpost/walpost/internal/devstack/devstacktest"
	"github.com/walpost/walpost/internal/relay"
	"github.com/walpost/walpost/internal/relay/relaytest"
)

// canary is a secret that must appear in no log and no error (law 6).
const canary = "canary-S3cret!"

// The way of an event with TLS and passwords on both sides, and what is said when
// one of them is wrong.
func TestLaw6_SecuredServersAndNoSecretInLogs(t *testing.T) {
	t.Parallel()
	ca, err := devstack.NewCA("walpost test")
	if err != nil {
		t.Fatal(err)
	}
	other, err := devstack.NewCA("somebody else")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := func(c *devstack.CA, name string) string {
		path, err := c.WriteFile(dir, name)
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	caFile, wrongFile := file(ca, "ca.pem"), file(other, "other.pem")
	client, err := ca.Client("walpost")
	if err != nil {
		t.Fatal(err)
	}
	cert, key, err := client.WriteFiles(dir, "client")
	if err != nil {
		t.Fatal(err)
	}
	k := devstacktest.StartKafka(t, devstack.KafkaOptions{
		QuickStart: true, TLS: &devstack.ServerTLS{CA: ca, ClientAuth: true}, Users: map[string]string{"walpost": canary},
	})
	p := devstacktest.StartPostgres(t, devstack.PostgresOptions{Password: canary, TLS: &devstack.ServerTLS{CA: ca}})
	db := ownDatabase(t, p, relaytest.OutboxDDL)
	db.URL = p.URLFor("postgres", "", "postgres")

	kafkaYAML := func(l devstack.Listener, more string) string {
		return fmt.Sprintf("kafka:\n  brokers: [%s]\n%s", strings.Join(k.Bootstrap(l), ", "), more)
	}
	tls := fmt.Sprintf("  tls: {ca: %s, cert: %s, key: %s}\n", caFile, cert, key)
	sasl := func(mechanism, user, password string) string {
		return fmt.Sprintf("  sasl: {mechanism: %s, username: %s, password: '%s'}\n", mechanism, user, password)
	}
	good := map[string]string{
		"client certificate":      kafkaYAML(devstack.TLS, tls),
		"PLAIN":                   kafkaYAML(devstack.SASLPlaintext, sasl("PLAIN", "walpost", canary)),
		"SCRAM-SHA-256":           kafkaYAML(devstack.SASLPlaintext, sasl("SCRAM-SHA-256", "walpost", canary)),
		"SCRAM-SHA-512 under TLS": kafkaYAML(devstack.SASLTLS, tls+sasl("SCRAM-SHA-512", "walpost", canary)),
	}
	n := 0
	for name, yaml := range good {
		t.Run(name, func(t *testing.T) {
			n++
			b := newBenchOn(t, db, k, yaml)
			b.cfg.Postgres.Password = config.NewSecret(canary)
			b.start(t)
			b.db.Exec(t, relaytest.Insert(name, n))
			b.consume(t, b.topic, 1)
			b.confirmed(t)
			if err := b.end(t); err != nil {
				t.Fatal(err)
			}
		})
	}
	bad := map[string]struct{ yaml, says string }{
		"wrong CA":           {kafkaYAML(devstack.TLS, fmt.Sprintf("  tls: {ca: %s, cert: %s, key: %s}\n", wrongFile, cert, key)), "certificate"},
		"wrong name":         {kafkaYAML(devstack.TLS, fmt.Sprintf("  tls: {ca: %s, cert: %s, key: %s, server_name: kafka.example}\n", caFile, cert, key)), "kafka.example"},
		"wrong password":     {kafkaYAML(devstack.SASLPlaintext, sasl("SCRAM-SHA-256", "walpost", canary+"x")), "uthentication"},
		"wrong user":         {kafkaYAML(devstack.SASLPlaintext, sasl("PLAIN", "nobody", canary)), "uthentication"},
		"plain text to TLS":  {kafkaYAML(devstack.TLS, ""), ""},
		"no SASL but needed": {kafkaYAML(devstack.SASLPlaintext, ""), ""},
	}
	for name, tc := range bad {
		t.Run(name, func(t *testing.T) {
			b := newBenchOn(t, db, k, tc.yaml)
			b.cfg.Postgres.Password = config.NewSecret(canary)
			log := b.logTo(t)
			b.launch(t)
			b.until(t, "Kafka to be out of reach", func() bool { return b.relay.Status().State == relay.KafkaUnavailable })
			if status := b.relay.Status(); !strings.Contains(status.Reason, tc.says) || status.Reason == "" {
				t.Errorf("the reason %q does not say %q", status.Reason, tc.says)
			}
			if err := b.end(t); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(log.String(), canary) {
				t.Errorf("the log holds a secret:\n%s", log)
			}
		})
	}
	t.Run("wrong Postgres password", func(t *testing.T) {
		b := newBenchOn(t, db, k, good["PLAIN"])
		b.cfg.Postgres.Password = config.NewSecret(canary + "x")
		log := b.logTo(t)
		b.launch(t)
		err := b.wait(t)
		if relay.ExitCode(err) != relay.ExitRequirement || !strings.Contains(fmt.Sprint(err), "password") {
			t.Errorf("ended with %v", err)
		}
		if strings.Contains(log.String()+fmt.Sprint(err), canary) {
			t.Errorf("a secret is shown: %v\n%s", err, log)
		}
	})
}

// logTo keeps the next launch's log as text.
func (b *bench) logTo(t *testing.T) *devstacktest.Output {
	t.Helper()
	buf := &devstacktest.Output{}
	b.log = zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), buf, zap.DebugLevel))
	return buf
}
