package kafka_test

import (
	"crypto/tls"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/kafka"
	"github.com/walpost/walpost/internal/kafka/kafkatest"
	"github.com/walpost/walpost/internal/preflight"
)

// tokens are unsigned: {"alg":"none"}.{"sub":"walpost","iat":1700000000,"exp":4102444800 or 1700000001}.
const (
	goodToken    = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ3YWxwb3N0IiwiaWF0IjoxNzAwMDAwMDAwLCJleHAiOjQxMDI0NDQ4MDB9."
	expiredToken = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ3YWxwb3N0IiwiaWF0IjoxNzAwMDAwMDAwLCJleHAiOjE3MDAwMDAwMDF9."
)

// Every way in, each also with what is wrong about it: refused in words, with no
// secret shown.
func TestSecuredCluster(t *testing.T) {
	s := kafkatest.StartSecured(t)
	t.Run("lets in", func(t *testing.T) { letsIn(t, s) })
	t.Run("refuses", func(t *testing.T) { refuses(t, s) })
	log := saramaLines.String()
	if !strings.Contains(log, "broker") {
		t.Errorf("sarama's lines are missing: %q", log)
	}
	if strings.Contains(log, kafkatest.Canary) {
		t.Error("sarama's log shows a secret")
	}
}

func letsIn(t *testing.T, s *kafkatest.Secured) {
	for name, o := range map[string]kafka.Options{
		"client certificate":      s.At(devstack.TLS, s.ClientTLS, nil),
		"PLAIN":                   s.At(devstack.SASLPlaintext, nil, kafkatest.SASL(kafka.Plain, "walpost", kafkatest.Canary)),
		"SCRAM-SHA-256":           s.At(devstack.SASLPlaintext, nil, kafkatest.SASL(kafka.ScramSHA256, "walpost", kafkatest.Canary)),
		"SCRAM-SHA-512 under TLS": s.At(devstack.SASLTLS, s.ClientTLS, s.All),
		"PLAIN under TLS":         s.At(devstack.SASLTLS, s.ClientTLS, kafkatest.SASL(kafka.Plain, "walpost", kafkatest.Canary)),
		"OAUTHBEARER": s.At(devstack.SASLPlaintext, nil,
			&kafka.SASL{Mechanism: kafka.OAuthBearer, Token: kafkatest.Literal(goodToken)}),
		"a dead broker before the one": {Brokers: []string{devstacktest.FreeAddress(t), s.Bootstrap(devstack.Plaintext)[0]}},
	} {
		t.Run(name, func(t *testing.T) {
			client := kafkatest.Connect(t, o)
			if err := client.InitProducerID(t.Context()); err != nil {
				t.Error(err)
			}
			topics := kafkatest.Must(client.Describe(t.Context(), "mine"))
			if may, told := topics[0].MayWrite(); !may || !told || topics[0].Partitions != 2 {
				t.Errorf("%+v", topics[0])
			}
		})
	}
}

func refuses(t *testing.T, s *kafkatest.Secured) {
	wrongCA := kafkatest.Must(s.Other.WriteFile(t.TempDir(), "ca"))
	with := func(change func(*kafka.TLS)) *kafka.TLS {
		c := *s.ClientTLS
		change(&c)
		return &c
	}
	const wrong = kafkatest.Canary + "x"
	for name, tc := range map[string]struct {
		o    kafka.Options
		kind kafka.Kind
		says []string
	}{
		"wrong CA": {s.At(devstack.TLS, with(func(c *kafka.TLS) {
			c.CA = wrongCA
		}), nil), kafka.UntrustedCA, []string{"kafka.tls.ca", wrongCA}},
		"the system's CAs": {s.At(devstack.TLS, with(func(c *kafka.TLS) {
			c.CA = ""
		}), nil), kafka.UntrustedCA, []string{"set kafka.tls.ca"}},
		"wrong name": {s.At(devstack.TLS, with(func(c *kafka.TLS) {
			c.ServerName = "kafka.example"
		}), nil), kafka.WrongName, []string{"kafka.example", "kafka.tls.server_name"}},
		"no client certificate": {s.At(devstack.TLS, with(func(c *kafka.TLS) {
			c.Cert, c.Key = "", ""
		}), nil), kafka.ClientCertificate, []string{"set kafka.tls.cert"}},
		"foreign certificate": {s.At(devstack.TLS, s.Foreign, nil), kafka.ClientCertificate, []string{"kafka.tls.cert"}},
		"plaintext to TLS":    {s.At(devstack.TLS, nil, nil), kafka.WantsTLS, []string{"add kafka.tls"}},
		"SASL to TLS":         {s.At(devstack.SASLTLS, nil, s.All), kafka.WantsTLS, []string{"add kafka.tls"}},
		"PLAIN to TLS": {
			s.At(devstack.SASLTLS, nil, kafkatest.SASL(kafka.Plain, "walpost", kafkatest.Canary)), kafka.WantsTLS,
			[]string{"add kafka.tls"},
		},
		"token to TLS": {
			s.At(devstack.SASLTLS, nil, &kafka.SASL{Mechanism: kafka.OAuthBearer, Token: kafkatest.Literal(goodToken)}),
			kafka.WantsTLS,
			[]string{"add kafka.tls"},
		},
		"TLS to SASL":       {s.At(devstack.SASLPlaintext, s.ClientTLS, s.All), kafka.NotTLS, []string{"leave kafka.tls out"}},
		"TLS to SASL, none": {s.At(devstack.SASLPlaintext, s.ClientTLS, nil), kafka.NotTLS, []string{"leave kafka.tls out"}},
		"TLS to plaintext":  {s.At(devstack.Plaintext, s.ClientTLS, nil), kafka.NotTLS, []string{"leave kafka.tls out"}},
		"no SASL":           {s.At(devstack.SASLPlaintext, nil, nil), kafka.WantsSASL, []string{"add kafka.sasl"}},
		"no SASL under TLS": {s.At(devstack.SASLTLS, s.ClientTLS, nil), kafka.WantsSASL, []string{"add kafka.sasl"}},
		"SASL to plaintext": {s.At(devstack.Plaintext, nil, s.All), kafka.NoSASL, []string{"leave kafka.sasl out"}},
		"mechanism": {
			s.At(devstack.SASLTLS, s.ClientTLS, kafkatest.SASL(kafka.ScramSHA256, "walpost", kafkatest.Canary)), kafka.SASLMechanism,
			[]string{"SCRAM-SHA-256", "kafka.sasl.mechanism"},
		},
		"PLAIN password": {
			s.At(devstack.SASLPlaintext, nil, kafkatest.SASL(kafka.Plain, "walpost", wrong)), kafka.SASLRefused,
			[]string{`"walpost"`, "PLAIN", "kafka.sasl"},
		},
		"SCRAM-256 password": {
			s.At(devstack.SASLPlaintext, nil, kafkatest.SASL(kafka.ScramSHA256, "walpost", wrong)), kafka.SASLRefused,
			[]string{`"walpost"`, "SCRAM-SHA-256"},
		},
		"SCRAM-512 password": {
			s.At(devstack.SASLTLS, s.ClientTLS, kafkatest.SASL(kafka.ScramSHA512, "walpost", wrong)), kafka.SASLRefused,
			[]string{`"walpost"`, "SCRAM-SHA-512"},
		},
		"unknown user": {
			s.At(devstack.SASLPlaintext, nil, kafkatest.SASL(kafka.ScramSHA512, "who", kafkatest.Canary)), kafka.SASLRefused,
			[]string{`"who"`},
		},
		"expired token": {
			s.At(devstack.SASLPlaintext, nil, &kafka.SASL{Mechanism: kafka.OAuthBearer, Token: kafkatest.Literal(expiredToken)}),
			kafka.SASLRefused,
			[]string{"kafka.sasl.token"},
		},
		"missing secret": {s.At(devstack.SASLPlaintext, nil, &kafka.SASL{
			Mechanism: kafka.Plain, Username: "walpost",
			Password: func() (string, error) { return "", os.ErrNotExist },
		}), kafka.SecretUnreadable, []string{"kafka.sasl.password"}},
		"closed port": {
			kafka.Options{Brokers: []string{devstacktest.FreeAddress(t)}}, kafka.Unreachable, []string{"127.0.0.1:", "kafka.brokers"},
		},
		"unknown name": {kafka.Options{Brokers: []string{"kafka.invalid:9092"}}, kafka.Unreachable, []string{"kafka.invalid:9092"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := kafka.Connect(t.Context(), tc.o)
			kafkatest.WantError(t, err, tc.kind, append(tc.says, tc.o.Brokers[0])...)
			list := preflight.Kafka(t.Context(), tc.o, preflight.KafkaExpectations{})
			if q := list[0]; q.Name != "connection" || q.State != preflight.Failed || q.Fix == "" ||
				strings.Contains(q.Detail+q.Fix, kafkatest.Canary) {
				t.Errorf("%+v", q)
			}
		})
	}
}

// An expired certificate needs a server that has one.
func TestExpiredCertificate(t *testing.T) {
	ca := kafkatest.Must(devstack.NewCA("ours"))
	issued := kafkatest.Must(ca.Issue(devstack.CertificateOptions{
		CommonName: "localhost", Hosts: []string{"127.0.0.1"}, Expired: true,
	}))
	certificates := []tls.Certificate{kafkatest.Must(issued.TLS())}
	listener := kafkatest.Must(tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: certificates}))
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for conn, err := listener.Accept(); err == nil; conn, err = listener.Accept() {
			_ = conn.(*tls.Conn).Handshake() // the client ends it
			_ = conn.Close()
		}
	}()
	o := kafka.Options{Brokers: []string{listener.Addr().String()}, TLS: &kafka.TLS{CA: kafkatest.Must(ca.WriteFile(t.TempDir(), "ca"))}}
	_, err := kafka.Connect(t.Context(), o)
	kafkatest.WantError(t, err, kafka.Expired, "expired", listener.Addr().String())
}

func TestFilesAreReadAtEachHandshake(t *testing.T) {
	ca := kafkatest.Must(devstack.NewCA("ours"))
	caFile, cert, key := kafkatest.Files(t, ca, "walpost")
	c := kafkatest.Must(kafka.Settings(kafka.Options{Brokers: []string{"a:1"}, TLS: &kafka.TLS{CA: caFile, Cert: cert, Key: key}}))
	if _, _, err := kafkatest.Must(ca.Client("renewed")).WriteFiles(filepath.Dir(cert), "walpost"); err != nil {
		t.Fatal(err)
	}
	pair := kafkatest.Must(c.Net.TLS.Config.GetClientCertificate(nil))
	if pair.Leaf.Subject.CommonName != "renewed" {
		t.Errorf("the certificate is still that of %s", pair.Leaf.Subject)
	}
}
