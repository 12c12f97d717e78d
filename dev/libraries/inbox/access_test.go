package inbox_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/pkg/inbox"
)

const (
	password = "c4n4ry-S3cret"
	// goodToken and expiredToken are unsigned: sub walpost, exp 4102444800 and 1700000001.
	goodToken    = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ3YWxwb3N0IiwiaWF0IjoxNzAwMDAwMDAwLCJleHAiOjQxMDI0NDQ4MDB9."
	expiredToken = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ3YWxwb3N0IiwiaWF0IjoxNzAwMDAwMDAwLCJleHAiOjE3MDAwMDAwMDF9."
)

// secured is a broker with every listener, and a topic with one event.
type secured struct {
	*fixture
	ours, theirs *devstack.CA
}

func newSecured(t *testing.T) *secured {
	t.Helper()
	s := &secured{}
	for _, ca := range []**devstack.CA{&s.ours, &s.theirs} {
		made, err := devstack.NewCA("test")
		if err != nil {
			t.Fatal(err)
		}
		*ca = made
	}
	kafka := devstacktest.StartKafka(t, devstack.KafkaOptions{
		TLS: &devstack.ServerTLS{CA: s.ours}, Users: map[string]string{"walpost": password},
		Settings: map[string]string{"listener.name.sasl_tls.sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512"},
	})
	s.fixture = fixtureIn(t, stack.Database(t), kafka, 1)
	s.events(t, 0, 1, 1)
	return s
}

func trust(ca *devstack.CA) *tls.Config { return &tls.Config{RootCAs: ca.Pool()} }

// consume runs a consumer until it has processed the event, or ends.
func (s *secured) consume(t *testing.T, at devstack.Listener, config *tls.Config, sasl *inbox.SASL) (processed bool, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := s.config(t)
	c.Brokers, c.TLS, c.SASL = s.kafka.Bootstrap(at), config, sasl
	c.Group = fmt.Sprint(c.Group, at, config != nil, sasl)
	c.Observers = append(c.Observers, inbox.ObserverFunc(func(o inbox.Observation) {
		if o.Kind == inbox.KindProcessed {
			processed = true
			cancel()
		}
	}))
	consumer, err := inbox.New(c, inbox.Pgx(s.pool), record)
	if err != nil {
		t.Fatal(err)
	}
	err = consumer.Run(ctx)
	return processed, err
}

func password256(user, password string) *inbox.SASL {
	return &inbox.SASL{Mechanism: "SCRAM-SHA-256", User: user, Password: password}
}

func token(text string) *inbox.SASL {
	return &inbox.SASL{Mechanism: "OAUTHBEARER", Token: func(context.Context) (string, error) { return text, nil }}
}

// Every way in by the fields TLS and SASL, and what is said when it is the wrong one: Run
// ends, with what to change, and without the password.
func TestTLSAndSASL(t *testing.T) {
	t.Parallel()
	s := newSecured(t)
	plain := &inbox.SASL{Mechanism: "PLAIN", User: "walpost", Password: password}
	scram256 := password256("walpost", password)
	sha512 := &inbox.SASL{Mechanism: "SCRAM-SHA-512", User: "walpost", Password: password}
	wrong := func(sasl *inbox.SASL) *inbox.SASL {
		changed := *sasl
		changed.Password += "x"
		return &changed
	}
	panics := &inbox.SASL{Mechanism: "OAUTHBEARER", Token: func(context.Context) (string, error) { panic("moon") }}
	other := trust(s.ours)
	other.ServerName = "kafka.example"
	for name, c := range map[string]struct {
		at    devstack.Listener
		tls   *tls.Config
		sasl  *inbox.SASL
		words []string // none: it gets in
	}{
		"TLS":           {at: devstack.TLS, tls: trust(s.ours)},
		"PLAIN":         {at: devstack.SASLTLS, tls: trust(s.ours), sasl: plain},
		"SCRAM-SHA-512": {at: devstack.SASLTLS, tls: trust(s.ours), sasl: sha512},
		"SCRAM-SHA-256": {at: devstack.SASLPlaintext, sasl: scram256},
		"OAUTHBEARER":   {at: devstack.SASLPlaintext, sasl: token(goodToken)},

		"untrusted certificate": {at: devstack.TLS, tls: trust(s.theirs), words: []string{"TLS.RootCAs"}},
		"wrong name":            {at: devstack.TLS, tls: other, words: []string{"kafka.example", "TLS.ServerName"}},
		"no TLS":                {at: devstack.TLS, words: []string{"this port speaks TLS: set TLS"}},
		"SASL without TLS":      {at: devstack.SASLTLS, sasl: plain, words: []string{"this port speaks TLS: set TLS"}},
		"SCRAM without TLS":     {at: devstack.SASLTLS, sasl: sha512, words: []string{"this port speaks TLS: set TLS"}},
		"TLS to plaintext":      {at: devstack.Plaintext, tls: trust(s.ours), words: []string{"leave TLS out"}},
		"TLS to SASL, PLAIN":    {at: devstack.SASLPlaintext, tls: trust(s.ours), sasl: plain, words: []string{"leave TLS out"}},
		"TLS to SASL, SCRAM":    {at: devstack.SASLPlaintext, tls: trust(s.ours), sasl: sha512, words: []string{"leave TLS out"}},
		"TLS to SASL, token":    {at: devstack.SASLPlaintext, tls: trust(s.ours), sasl: token(goodToken), words: []string{"leave TLS out"}},
		"TLS to SASL, no SASL":  {at: devstack.SASLPlaintext, tls: trust(s.ours), words: []string{"leave TLS out"}},
		"SASL to plaintext":     {at: devstack.Plaintext, sasl: sha512, words: []string{"leave SASL out"}},
		"mechanism":             {at: devstack.SASLTLS, tls: trust(s.ours), sasl: scram256, words: []string{"SASL.Mechanism"}},
		"wrong PLAIN":           {at: devstack.SASLPlaintext, sasl: wrong(plain), words: []string{`user "walpost"`, "PLAIN"}},
		"wrong SCRAM-SHA-512":   {at: devstack.SASLPlaintext, sasl: wrong(sha512), words: []string{`user "walpost"`, "SCRAM-SHA-512"}},
		"unknown user":          {at: devstack.SASLPlaintext, sasl: password256("who", password), words: []string{`user "who"`}},
		"expired token":         {at: devstack.SASLPlaintext, sasl: token(expiredToken), words: []string{"SASL.Token"}},
		"panic of Token":        {at: devstack.SASLPlaintext, sasl: panics, words: []string{"SASL.Token", "panic: moon"}},
	} {
		t.Run(name, func(t *testing.T) {
			processed, err := s.consume(t, c.at, c.tls, c.sasl)
			if c.words == nil {
				if !processed || err != nil {
					t.Errorf("processed %v, %v", processed, err)
				}
				return
			}
			if processed || err == nil {
				t.Fatalf("processed %v, %v", processed, err)
			}
			for _, word := range c.words {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("%v, want it to say %q", err, word)
				}
			}
			if strings.Contains(err.Error(), password) {
				t.Errorf("the password is shown: %v", err)
			}
		})
	}
	t.Run("the error is the client's too", func(t *testing.T) {
		if _, err := s.consume(t, devstack.TLS, trust(s.theirs), nil); !isUnknownAuthority(err) {
			t.Error(err)
		}
	})
}

func isUnknownAuthority(err error) bool {
	_, ok := errors.AsType[x509.UnknownAuthorityError](err)
	return ok
}

// A broker that hangs up without a word may come back: it is told, and tried again.
func TestHangingUpIsTold(t *testing.T) {
	t.Parallel()
	s := newSecured(t)
	for word, change := range map[string]func(*inbox.Config){
		"may want SASL": func(c *inbox.Config) { c.Brokers = s.kafka.Bootstrap(devstack.SASLPlaintext) },
	} {
		told := make(chan error, 1)
		config := s.config(t)
		change(&config)
		config.Observers = append(config.Observers, inbox.ObserverFunc(func(o inbox.Observation) {
			if o.Kind == inbox.KindKafkaFailed {
				select {
				case told <- o.Err:
				default:
				}
			}
		}))
		m := s.start(t, config, record)
		if err := devstacktest.Receive(t, "what Kafka failed at", told); !strings.Contains(err.Error(), word) {
			t.Errorf("%v, want it to say %q", err, word)
		}
		m.end(t)
	}
}

// A password is in no text that a log or a format makes of the settings.
func TestSASLIsNotPrinted(t *testing.T) {
	t.Parallel()
	sasl := inbox.SASL{Mechanism: "PLAIN", User: "u", Password: password}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", slog.Any("sasl", sasl), slog.Any("pointer", &sasl),
		slog.Any("config", inbox.Config{SASL: &sasl}))
	for _, text := range []string{
		fmt.Sprint(sasl), fmt.Sprintf("%v %+v %#v %s %q", sasl, sasl, sasl, sasl, &sasl),
		fmt.Sprintf("%v %+v %#v", inbox.Config{SASL: &sasl}, inbox.Config{SASL: &sasl}, inbox.Config{SASL: &sasl}), log.String(),
	} {
		if strings.Contains(text, password) {
			t.Error(text)
		}
	}
}
