// Package kafkatest has ways to Kafka for tests: to the shared cluster, and to one with TLS, SASL and ACLs.
package kafkatest

import (
	"strings"
	"testing"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/kafka"
	"github.com/walpost/walpost/internal/kafka/topics"
)

// Canary is a password that must be in no error, log or finding.
const Canary = "c4n4ry-S3cret"

// Literal returns a secret that stays the same.
func Literal(s string) func() (string, error) { return func() (string, error) { return s, nil } }

// SASL returns settings with a password that stays the same.
func SASL(mechanism, user, password string) *kafka.SASL {
	return &kafka.SASL{Mechanism: mechanism, Username: user, Password: Literal(password)}
}

// Plain returns the way to the shared cluster.
func Plain(t testing.TB, stack *devstacktest.Stack) kafka.Options {
	t.Helper()
	return kafka.Options{Brokers: stack.Kafka(t).Bootstrap(devstack.Plaintext), ClientID: "test"}
}

// Connect opens a client that the test's end closes.
func Connect(t testing.TB, o kafka.Options) topics.Admin {
	t.Helper()
	client, err := topics.OpenAdmin(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// WantError fails the test unless the error is of the kind, says the words, and
// holds no secret.
func WantError(t testing.TB, err error, kind kafka.Kind, words ...string) {
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
	if strings.Contains(err.Error(), Canary) {
		t.Errorf("a secret is shown: %v", err)
	}
}

// Must returns v, and panics if there is an error.
func Must[T any](v T, err error) T {
	if err != nil {
		panic(err) //nolint:forbidigo // it ends the test
	}
	return v
}

// Files writes a CA and a client certificate signed by it.
func Files(t testing.TB, ca *devstack.CA, client string) (caFile, cert, key string) {
	t.Helper()
	dir := t.TempDir()
	caFile = Must(ca.WriteFile(dir, "ca"))
	cert, key, err := Must(ca.Client(client)).WriteFiles(dir, client)
	if err != nil {
		t.Fatal(err)
	}
	return caFile, cert, key
}

// TopicName returns a name that no other test has.
func TopicName(t testing.TB, stack *devstacktest.Stack) string {
	t.Helper()
	return strings.ReplaceAll(stack.Name(t), "_", ".")
}
