package devstack_test

import (
	"crypto/tls"
	"testing"

	"github.com/IBM/sarama"
	"github.com/xdg-go/scram"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
)

// scramClient lets sarama speak SCRAM.
type scramClient struct {
	hash scram.HashGeneratorFcn
	*scram.ClientConversation
}

func (c *scramClient) Begin(user, password, authzID string) error {
	client, err := c.hash.NewClient(user, password, authzID)
	if err != nil {
		return err
	}
	c.ClientConversation = client.NewConversation()
	return nil
}

// unsignedToken is a token that says who it is for, in 2100.
type unsignedToken struct{}

func (unsignedToken) Token() (*sarama.AccessToken, error) {
	// {"alg":"none"}.{"sub":"relay","iat":1700000000,"exp":4102444800}
	return &sarama.AccessToken{Token: "eyJhbGciOiJub25lIn0.eyJzdWIiOiJyZWxheSIsImlhdCI6MTcwMDAwMDAwMCwiZXhwIjo0MTAyNDQ0ODAwfQ."}, nil
}

// saslConfig logs in by a mechanism.
func saslConfig(mechanism sarama.SASLMechanism, user, password string, clientTLS *tls.Config) *sarama.Config {
	config := sarama.NewConfig()
	config.Metadata.Retry.Max = 0
	config.Net.SASL.Enable = true
	config.Net.SASL.Mechanism = mechanism
	config.Net.SASL.User, config.Net.SASL.Password = user, password
	config.Net.SASL.TokenProvider = unsignedToken{}
	config.Net.SASL.SCRAMClientGeneratorFunc = func() sarama.SCRAMClient {
		if mechanism == sarama.SASLTypeSCRAMSHA256 {
			return &scramClient{hash: scram.SHA256}
		}
		return &scramClient{hash: scram.SHA512}
	}
	config.Net.TLS.Enable, config.Net.TLS.Config = clientTLS != nil, clientTLS
	return config
}

// startSecured starts a broker with every listener and ACLs that nobody has yet.
func startSecured(t *testing.T) (k *devstack.Kafka, trust, full *tls.Config) {
	t.Helper()
	ca := authority(t, "ours")
	k = devstacktest.StartKafka(t, devstack.KafkaOptions{
		TLS:        &devstack.ServerTLS{CA: ca, ClientAuth: true},
		Users:      map[string]string{"relay": `it's "secret" \ here`, "nobody": "none"},
		Authorize:  true,
		SuperUsers: []string{"User:relay", "User:CN=relay"},
	})
	certificate, err := ca.Client("relay")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := certificate.TLS()
	if err != nil {
		t.Fatal(err)
	}
	trust = &tls.Config{RootCAs: ca.Pool()}
	full = &tls.Config{RootCAs: ca.Pool(), Certificates: []tls.Certificate{pair}}
	if err := k.CreateTopic(t.Context(), "t", 1, -1, nil); err != nil {
		t.Fatal(err)
	}
	return k, trust, full
}

func TestKafkaWithTLSAndPasswords(t *testing.T) {
	k, trust, full := startSecured(t)
	const password = `it's "secret" \ here`
	mechanisms := []sarama.SASLMechanism{
		sarama.SASLTypePlaintext, sarama.SASLTypeSCRAMSHA256, sarama.SASLTypeSCRAMSHA512, sarama.SASLTypeOAuth,
	}
	for _, mechanism := range mechanisms {
		if err := produce(t, k.Bootstrap(devstack.SASLPlaintext), saslConfig(mechanism, "relay", password, nil), "t"); err != nil {
			t.Errorf("%s: %v", mechanism, err)
		}
		if err := produce(t, k.Bootstrap(devstack.SASLTLS), saslConfig(mechanism, "relay", password, full), "t"); err != nil {
			t.Errorf("%s over TLS: %v", mechanism, err)
		}
		if mechanism == sarama.SASLTypeOAuth {
			continue // it has no password
		}
		if err := produce(t, k.Bootstrap(devstack.SASLPlaintext), saslConfig(mechanism, "relay", "wrong", nil), "t"); err == nil {
			t.Errorf("%s: a wrong password was let in", mechanism)
		}
		err := produce(t, k.Bootstrap(devstack.SASLPlaintext), saslConfig(mechanism, "nobody", "none", nil), "t")
		wantError(t, string(mechanism)+" without a right", err, "not authorized")
	}
	withTLS := func(c *tls.Config) *sarama.Config {
		config := sarama.NewConfig()
		config.Metadata.Retry.Max = 0
		config.Net.TLS.Enable, config.Net.TLS.Config = true, c
		return config
	}
	if err := produce(t, k.Bootstrap(devstack.TLS), withTLS(full), "t"); err != nil {
		t.Errorf("client certificate: %v", err)
	}
	if err := produce(t, k.Bootstrap(devstack.TLS), withTLS(trust), "t"); err == nil {
		t.Error("a client without certificate was let in")
	}
	if err := k.SetPassword(t.Context(), "relay", "new"); err != nil {
		t.Fatal(err)
	}
	if err := produce(t, k.Bootstrap(devstack.SASLPlaintext), saslConfig(sarama.SASLTypeSCRAMSHA512, "relay", "new", nil),
		"t"); err != nil {
		t.Errorf("new password: %v", err)
	}
}
