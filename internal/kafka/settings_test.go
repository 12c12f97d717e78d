package kafka_test

import (
	"crypto/tls"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/internal/kafka"
	"github.com/walpost/walpost/internal/kafka/kafkatest"
)

func TestSettings(t *testing.T) {
	c := kafkatest.Must(kafka.Settings(kafka.Options{
		Brokers: []string{"a:9092"}, ClientID: "walpost-orders", Compression: "zstd", MaxMessageBytes: 2000,
	}))
	if c.ClientID != "walpost-orders" || c.Producer.Compression != sarama.CompressionZSTD || c.Producer.MaxMessageBytes != 2000 {
		t.Errorf("%+v", c)
	}
	if c.Metadata.AllowAutoTopicCreation || c.Metadata.Full || c.Metadata.Retry.Max != 0 || c.Metadata.RefreshFrequency != 0 {
		t.Errorf("%+v", c.Metadata)
	}
	if c.Producer.RequiredAcks != sarama.WaitForAll || c.Net.ReadTimeout <= c.Producer.Timeout || c.Net.MaxOpenRequests != 1 {
		t.Errorf("%+v %+v", c.Producer, c.Net)
	}
	if c.Net.TLS.Enable || c.Net.SASL.Enable {
		t.Error("TLS or SASL without being asked for")
	}
	// What walpost asks for by itself must not be refused as newer than the version.
	for _, newest := range []sarama.KafkaVersion{sarama.V2_4_0_0 /* Produce 8 */, sarama.V2_7_0_0 /* InitProducerId 4 */} {
		if !c.Version.IsAtLeast(newest) {
			t.Errorf("version %s is below %s", c.Version, newest)
		}
	}
}

func TestSettingsNameEveryFault(t *testing.T) {
	_, err := kafka.Settings(kafka.Options{
		Brokers: []string{"a", "b:0", ":9092"}, ClientID: "with blank", Compression: "brotli", MaxMessageBytes: -1,
		TLS: &kafka.TLS{Cert: "x"}, SASL: &kafka.SASL{Mechanism: "GSSAPI"},
	})
	if err == nil {
		t.Fatal("no error")
	}
	for _, word := range []string{
		`kafka.brokers: "a"`, `kafka.brokers: "b:0"`, `kafka.brokers: ":9092"`, "kafka.client_id", "kafka.compression",
		"kafka.max_message_bytes",
		"kafka.tls: cert and key", "kafka.sasl.mechanism", "SCRAM-SHA-512",
	} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q is not in:\n%v", word, err)
		}
	}
	for name, s := range map[string]kafka.SASL{
		"username": {Mechanism: kafka.Plain, Password: kafkatest.Literal("x")},
		"password": {Mechanism: kafka.ScramSHA256, Username: "u"},
		"token":    {Mechanism: kafka.OAuthBearer},
	} {
		if _, err := kafka.Settings(kafka.Options{Brokers: []string{"a:1"}, SASL: &s}); err == nil ||
			!strings.Contains(err.Error(), "kafka.sasl."+name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := kafka.Settings(kafka.Options{}); err == nil {
		t.Error("no broker is no fault")
	}
}

func TestTLSNeedsBothSwitchAndConfig(t *testing.T) {
	ca := kafkatest.Must(devstack.NewCA("ours"))
	caFile, cert, key := kafkatest.Files(t, ca, "walpost")
	o := kafka.Options{Brokers: []string{"a:9092"}, TLS: &kafka.TLS{CA: caFile, Cert: cert, Key: key, ServerName: "kafka.example"}}
	c := kafkatest.Must(kafka.Settings(o))
	if !c.Net.TLS.Enable || c.Net.TLS.Config == nil {
		t.Fatal("TLS is off")
	}
	conf := c.Net.TLS.Config
	if conf.MinVersion < tls.VersionTLS12 || conf.InsecureSkipVerify || conf.ServerName != "kafka.example" || conf.RootCAs == nil {
		t.Errorf("%+v", conf)
	}
	if o.Principal() != "User:CN=walpost" {
		t.Error(o.Principal())
	}
	for name, broken := range map[string]kafka.TLS{
		"kafka.tls.ca":   {CA: write(t, "no PEM")},
		"no such file":   {CA: "/nowhere/ca.pem"},
		"kafka.tls.cert": {Cert: caFile, Key: key},
	} {
		if _, err := kafka.Settings(kafka.Options{Brokers: []string{"a:1"}, TLS: &broken}); err == nil ||
			!strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A rotated secret is used at the next authentication, without a new configuration
// where sarama lets us, and else by a fresh one.
func TestSecretsAreReadAgain(t *testing.T) {
	file := write(t, "first")
	read := func() (string, error) {
		b, err := os.ReadFile(file)
		return string(b), err
	}
	settings := func(s kafka.SASL) *sarama.Config {
		return kafkatest.Must(kafka.Options{Brokers: []string{"a:1"}, SASL: &s}.Fresh())
	}
	scram := settings(kafka.SASL{Mechanism: kafka.ScramSHA512, Username: "u", Password: read})
	oauth := settings(kafka.SASL{Mechanism: kafka.OAuthBearer, Token: read})
	if strings.Contains(scram.Net.SASL.Password, "first") {
		t.Error("the configuration holds a SCRAM password")
	}
	if err := os.WriteFile(file, []byte("second"), 0o600); err != nil {
		t.Fatal(err)
	}
	if token := kafkatest.Must(oauth.Net.SASL.TokenProvider.Token()); token.Token != "second" {
		t.Errorf("token %q", token.Token)
	}
	if c := settings(kafka.SASL{Mechanism: kafka.Plain, Username: "u", Password: read}); c.Net.SASL.Password != "second" {
		t.Errorf("password %q", c.Net.SASL.Password)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	client := scram.Net.SASL.SCRAMClientGeneratorFunc()
	if err := client.Begin("u", scram.Net.SASL.Password, ""); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("SCRAM began with %v", err)
	}
}

func TestCleartext(t *testing.T) {
	for mechanism, want := range map[string]bool{kafka.Plain: true, kafka.OAuthBearer: true, kafka.ScramSHA256: false} {
		o := kafka.Options{SASL: &kafka.SASL{Mechanism: mechanism}}
		if _, yes := o.Cleartext(); yes != want {
			t.Errorf("%s: %v", mechanism, yes)
		}
		o.TLS = &kafka.TLS{}
		if _, yes := o.Cleartext(); yes {
			t.Errorf("%s under TLS", mechanism)
		}
	}
}
