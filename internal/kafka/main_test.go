package kafka_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/kafka"
	"github.com/walpost/walpost/internal/kafka/topics"
)

var stack devstacktest.Stack

// saramaLines is what sarama logs in all tests, as walpost writes it.
var saramaLines devstacktest.Output

func TestMain(m *testing.M) {
	encoder := zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig())
	kafka.LogTo(zapcore.NewCore(encoder, &saramaLines, zapcore.DebugLevel), kafka.Options{SASL: sasl(kafka.Plain, "", canary)})
	os.Exit(stack.Main(m))
}

// canary is a password that must be in no error, log or finding.
const canary = "c4n4ry-S3cret"

// literal is a secret that stays the same.
func literal(s string) func() (string, error) { return func() (string, error) { return s, nil } }

func sasl(mechanism, user, password string) *kafka.SASL {
	return &kafka.SASL{Mechanism: mechanism, Username: user, Password: literal(password)}
}

// plain is the way to the shared cluster.
func plain(t *testing.T) kafka.Options {
	t.Helper()
	return kafka.Options{Brokers: stack.Kafka(t).Bootstrap(devstack.Plaintext), ClientID: "test"}
}

// connect opens a client that the test's end closes.
func connect(t *testing.T, o kafka.Options) topics.Admin {
	t.Helper()
	client, err := topics.OpenAdmin(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// wantError fails the test unless the error is of the kind, says the words, and
// holds no secret.
func wantError(t *testing.T, err error, kind kafka.Kind, words ...string) {
	t.Helper()
	e, ok := err.(*kafka.Error) //nolint:errorlint // it is the promise that the error itself is one
	if !ok {
		t.Fatalf("%T %v", err, err)
	}
	if e.Kind != kind {
		t.Errorf("kind %q, want %q: %v", e.Kind, kind, err)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q is not in: %v", w, err)
		}
	}
	if strings.Contains(err.Error(), canary) {
		t.Errorf("a secret is shown: %v", err)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// files writes a CA and a client certificate signed by it.
func files(t *testing.T, ca *devstack.CA, client string) (caFile, cert, key string) {
	t.Helper()
	dir := t.TempDir()
	caFile = must(ca.WriteFile(dir, "ca"))
	cert, key, err := must(ca.Client(client)).WriteFiles(dir, client)
	if err != nil {
		t.Fatal(err)
	}
	return caFile, cert, key
}

func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
