package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"testing"

	"github.com/IBM/sarama"
)

// What sarama makes of errors: wrapped, joined as text, or a bare code.
func TestExplain(t *testing.T) {
	const canary = "c4n4ry-S3cret"
	o := Options{
		Brokers: []string{"a:1", "b:2"},
		SASL:    &SASL{Mechanism: Plain, Username: "walpost", Password: func() (string, error) { return canary, nil }},
	}
	for name, tc := range map[string]struct {
		err  error
		kind Kind
		says string
	}{
		"refused by all": {sarama.Wrap(sarama.ErrOutOfBrokers, syscall.ECONNREFUSED), Unreachable, "kafka.brokers"},
		"SASL behind all": {
			sarama.Wrap(sarama.ErrOutOfBrokers, sarama.Wrap(sarama.ErrSASLAuthenticationFailed, errors.New("no"))),
			SASLRefused, `"walpost"`,
		},
		"as text":          {errors.New(sarama.ErrUnsupportedSASLMechanism.Error()), SASLMechanism, "PLAIN"},
		"CA as text":       {errors.New("x509: certificate signed by unknown authority"), UntrustedCA, "kafka.tls.ca"},
		"hung up":          {io.ErrUnexpectedEOF, Closed, "kafka.tls"},
		"time-out":         {context.DeadlineExceeded, Unreachable, "a:1, b:2"},
		"policy":           {sarama.ErrPolicyViolation, PolicyViolation, "policy"},
		"denied":           {sarama.ErrTopicAuthorizationFailed, Denied, "not authorized"},
		"version":          {sarama.ErrUnsupportedVersion, TooOld, "version"},
		"with a secret":    {errors.New("login " + canary + " is wrong"), Other, "login *** is wrong"},
		"something unseen": {errors.New("moon phase"), Other, "moon phase"},
	} {
		t.Run(name, func(t *testing.T) {
			err := o.Explain("list topics", tc.err)
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Kind != tc.kind || !errors.Is(err, tc.err) {
				t.Fatalf("%v: %+v", err, e)
			}
			if !strings.Contains(err.Error(), tc.says) || !strings.HasPrefix(err.Error(), "list topics (a:1, b:2): ") {
				t.Error(err)
			}
			if strings.Contains(err.Error(), canary) {
				t.Errorf("a secret is shown: %v", err)
			}
			if again := o.Explain("other", fmt.Errorf("wrapped: %w", err)); !errors.Is(again, err) ||
				strings.Contains(again.Error(), "other") {
				t.Errorf("explained twice: %v", again)
			}
		})
	}
	if err := o.Explain("op", nil); err != nil {
		t.Error(err)
	}
}

// A topic that may not be read is an error with the right, and the command that grants it.
func TestExplainRead(t *testing.T) {
	o := Options{Brokers: []string{"a:1"}, SASL: &SASL{Mechanism: Plain, Username: "walpost"}}
	err := o.ExplainRead("orders", fmt.Errorf("partition 1: %w", sarama.ErrTopicAuthorizationFailed))
	for _, want := range []string{
		"read topic orders", "partition 1", "User:walpost needs Read on the topic",
		"--allow-principal User:walpost --operation Read --topic orders",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
	if err := o.ExplainRead("orders", sarama.ErrOutOfBrokers); strings.Contains(err.Error(), "needs Read") {
		t.Error(err)
	}
	if err := o.ExplainRead("orders", nil); err != nil {
		t.Error(err)
	}
}

// Every kind has a word of its own, since check prints it.
func TestKindsHaveNames(t *testing.T) {
	seen := map[string]bool{}
	for k := Other; k <= TooOld; k++ {
		if k.String() == "" || seen[k.String()] {
			t.Errorf("kind %d is called %q", k, k)
		}
		seen[k.String()] = true
	}
}

func TestPrincipal(t *testing.T) {
	for want, o := range map[string]Options{
		"User:ANONYMOUS":              {},
		"User:walpost":                {SASL: &SASL{Mechanism: ScramSHA512, Username: "walpost"}, TLS: &TLS{}},
		"User:<subject of the token>": {SASL: &SASL{Mechanism: OAuthBearer}},
	} {
		if got := o.Principal(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	o := Options{Brokers: []string{"a:1"}, SASL: &SASL{Mechanism: Plain, Username: "it's me"}}
	if got := o.Grant("topic", "t", "Write"); !strings.Contains(got, `'User:it'\''s me'`) {
		t.Error(got)
	}
}
