package kafka_test

import (
	"crypto/tls"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/kafka"
	"github.com/walpost/walpost/internal/kafka/topics"
	"github.com/walpost/walpost/internal/preflight"
)

// secured is a cluster with every listener and ACLs: User:walpost and the client
// certificate may do all, User:limited may write to the topic "mine".
type secured struct {
	*devstack.Kafka
	ca, other    *devstack.CA
	tls          *kafka.TLS // all right
	foreign      *kafka.TLS // a certificate of another CA
	limited, all *kafka.SASL
}

// tokens are unsigned: {"alg":"none"}.{"sub":"walpost","iat":1700000000,"exp":4102444800 or 1700000001}.
const (
	goodToken    = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ3YWxwb3N0IiwiaWF0IjoxNzAwMDAwMDAwLCJleHAiOjQxMDI0NDQ4MDB9."
	expiredToken = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ3YWxwb3N0IiwiaWF0IjoxNzAwMDAwMDAwLCJleHAiOjE3MDAwMDAwMDF9."
)

func startSecured(t *testing.T) *secured {
	t.Helper()
	s := &secured{ca: must(devstack.NewCA("ours")), other: must(devstack.NewCA("theirs"))}
	s.Kafka = devstacktest.StartKafka(t, devstack.KafkaOptions{
		TLS:        &devstack.ServerTLS{CA: s.ca, ClientAuth: true},
		Users:      map[string]string{"walpost": canary, "limited": canary, "nobody": canary},
		Authorize:  true,
		SuperUsers: []string{"User:walpost", "User:CN=walpost"},
		Settings:   map[string]string{"listener.name.sasl_tls.sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512"},
	})
	caFile, cert, key := files(t, s.ca, "walpost")
	s.tls = &kafka.TLS{CA: caFile, Cert: cert, Key: key}
	_, cert, key = files(t, s.other, "walpost")
	s.foreign = &kafka.TLS{CA: caFile, Cert: cert, Key: key}
	s.limited, s.all = sasl(kafka.ScramSHA512, "limited", canary), sasl(kafka.ScramSHA512, "walpost", canary)
	for _, topic := range []string{"mine", "theirs"} {
		if err := s.CreateTopic(t.Context(), topic, 2, -1, nil); err != nil {
			t.Fatal(err)
		}
	}
	admin := must(s.Admin())
	defer func() { _ = admin.Close() }()
	var grants []*sarama.Acl
	for _, op := range []sarama.AclOperation{sarama.AclOperationWrite, sarama.AclOperationDescribe} {
		grants = append(grants, &sarama.Acl{Principal: "User:limited", Host: "*", Operation: op, PermissionType: sarama.AclPermissionAllow})
	}
	mine := sarama.Resource{ResourceType: sarama.AclResourceTopic, ResourceName: "mine", ResourcePatternType: sarama.AclPatternLiteral}
	if err := admin.CreateACLs([]*sarama.ResourceAcls{{Resource: mine, Acls: grants}}); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *secured) at(l devstack.Listener, tls *kafka.TLS, sasl *kafka.SASL) kafka.Options {
	return kafka.Options{Brokers: s.Bootstrap(l), ClientID: "test", TLS: tls, SASL: sasl}
}

// Every way in, each also with what is wrong about it: refused in words, with no
// secret shown.
func TestSecuredCluster(t *testing.T) {
	s := startSecured(t)
	t.Run("lets in", s.letsIn)
	t.Run("refuses", s.refuses)
	t.Run("rights", s.rights)
	log := saramaLines.String()
	if !strings.Contains(log, "broker") {
		t.Errorf("sarama's lines are missing: %q", log)
	}
	if strings.Contains(log, canary) {
		t.Error("sarama's log shows a secret")
	}
}

func (s *secured) letsIn(t *testing.T) {
	for name, o := range map[string]kafka.Options{
		"client certificate":      s.at(devstack.TLS, s.tls, nil),
		"PLAIN":                   s.at(devstack.SASLPlaintext, nil, sasl(kafka.Plain, "walpost", canary)),
		"SCRAM-SHA-256":           s.at(devstack.SASLPlaintext, nil, sasl(kafka.ScramSHA256, "walpost", canary)),
		"SCRAM-SHA-512 under TLS": s.at(devstack.SASLTLS, s.tls, s.all),
		"PLAIN under TLS":         s.at(devstack.SASLTLS, s.tls, sasl(kafka.Plain, "walpost", canary)),
		"OAUTHBEARER": s.at(devstack.SASLPlaintext, nil,
			&kafka.SASL{Mechanism: kafka.OAuthBearer, Token: literal(goodToken)}),
		"a dead broker before the one": {Brokers: []string{devstacktest.FreeAddress(t), s.Bootstrap(devstack.Plaintext)[0]}},
	} {
		t.Run(name, func(t *testing.T) {
			client := connect(t, o)
			if err := client.InitProducerID(t.Context()); err != nil {
				t.Error(err)
			}
			topics := must(client.Describe(t.Context(), "mine"))
			if may, told := topics[0].MayWrite(); !may || !told || topics[0].Partitions != 2 {
				t.Errorf("%+v", topics[0])
			}
		})
	}
}

func (s *secured) refuses(t *testing.T) {
	wrongCA := must(s.other.WriteFile(t.TempDir(), "ca"))
	with := func(change func(*kafka.TLS)) *kafka.TLS {
		c := *s.tls
		change(&c)
		return &c
	}
	const wrong = canary + "x"
	for name, tc := range map[string]struct {
		o    kafka.Options
		kind kafka.Kind
		says []string
	}{
		"wrong CA": {s.at(devstack.TLS, with(func(c *kafka.TLS) {
			c.CA = wrongCA
		}), nil), kafka.UntrustedCA, []string{"kafka.tls.ca", wrongCA}},
		"the system's CAs": {s.at(devstack.TLS, with(func(c *kafka.TLS) {
			c.CA = ""
		}), nil), kafka.UntrustedCA, []string{"set kafka.tls.ca"}},
		"wrong name": {s.at(devstack.TLS, with(func(c *kafka.TLS) {
			c.ServerName = "kafka.example"
		}), nil), kafka.WrongName, []string{"kafka.example", "kafka.tls.server_name"}},
		"no client certificate": {s.at(devstack.TLS, with(func(c *kafka.TLS) {
			c.Cert, c.Key = "", ""
		}), nil), kafka.ClientCertificate, []string{"set kafka.tls.cert"}},
		"foreign certificate": {s.at(devstack.TLS, s.foreign, nil), kafka.ClientCertificate, []string{"kafka.tls.cert"}},
		"plaintext to TLS":    {s.at(devstack.TLS, nil, nil), kafka.WantsTLS, []string{"add kafka.tls"}},
		"SASL to TLS":         {s.at(devstack.SASLTLS, nil, s.all), kafka.WantsTLS, []string{"add kafka.tls"}},
		"TLS to plaintext":    {s.at(devstack.Plaintext, s.tls, nil), kafka.NotTLS, []string{"leave kafka.tls out"}},
		"no SASL":             {s.at(devstack.SASLPlaintext, nil, nil), kafka.WantsSASL, []string{"add kafka.sasl"}},
		"no SASL under TLS":   {s.at(devstack.SASLTLS, s.tls, nil), kafka.WantsSASL, []string{"add kafka.sasl"}},
		"SASL to plaintext":   {s.at(devstack.Plaintext, nil, s.all), kafka.NoSASL, []string{"leave kafka.sasl out"}},
		"mechanism": {
			s.at(devstack.SASLTLS, s.tls, sasl(kafka.ScramSHA256, "walpost", canary)), kafka.SASLMechanism,
			[]string{"SCRAM-SHA-256", "kafka.sasl.mechanism"},
		},
		"PLAIN password": {
			s.at(devstack.SASLPlaintext, nil, sasl(kafka.Plain, "walpost", wrong)), kafka.SASLRefused,
			[]string{`"walpost"`, "PLAIN", "kafka.sasl"},
		},
		"SCRAM-256 password": {
			s.at(devstack.SASLPlaintext, nil, sasl(kafka.ScramSHA256, "walpost", wrong)), kafka.SASLRefused,
			[]string{`"walpost"`, "SCRAM-SHA-256"},
		},
		"SCRAM-512 password": {
			s.at(devstack.SASLTLS, s.tls, sasl(kafka.ScramSHA512, "walpost", wrong)), kafka.SASLRefused,
			[]string{`"walpost"`, "SCRAM-SHA-512"},
		},
		"unknown user": {s.at(devstack.SASLPlaintext, nil, sasl(kafka.ScramSHA512, "who", canary)), kafka.SASLRefused, []string{`"who"`}},
		"expired token": {
			s.at(devstack.SASLPlaintext, nil, &kafka.SASL{Mechanism: kafka.OAuthBearer, Token: literal(expiredToken)}), kafka.SASLRefused,
			[]string{"kafka.sasl.token"},
		},
		"missing secret": {s.at(devstack.SASLPlaintext, nil, &kafka.SASL{
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
			wantError(t, err, tc.kind, append(tc.says, tc.o.Brokers[0])...)
			list := preflight.Kafka(t.Context(), tc.o, preflight.KafkaExpectations{})
			if q := list[0]; q.Name != "connection" || q.State != preflight.Failed || q.Fix == "" ||
				strings.Contains(q.Detail+q.Fix, canary) {
				t.Errorf("%+v", q)
			}
		})
	}
}

func (s *secured) rights(t *testing.T) {
	o := s.at(devstack.SASLPlaintext, nil, s.limited)
	list := preflight.Kafka(t.Context(), o, preflight.KafkaExpectations{
		Topics: []string{"mine", "theirs", "missing"},
		Spec:   func(name string) topics.Spec { return topics.Spec{Name: name, Partitions: 1, ReplicationFactor: 1} },
	})
	wantRequirement(t, list, "topic mine", preflight.OK, "partitions 2", "not readable")
	wantRequirement(t, list, "topic theirs", preflight.Failed, "User:limited may not",
		"kafka-acls.sh", "--operation Write", "--topic theirs")
	wantRequirement(t, list, "topic missing", preflight.Failed, "User:limited may not", "--topic missing")
	wantRequirement(t, list, "idempotent producer", preflight.OK)

	_, err := connect(t, o).Create(t.Context(), topics.Spec{Name: "mine.too", Partitions: 1, ReplicationFactor: 1})
	wantError(t, err, kafka.Denied, "mine.too", "User:limited", "--operation Create")

	s.comparing(t, o)

	wantRequirement(t, list, "encryption", preflight.Warning, "SCRAM-SHA-512", "records cross the network readable")

	nobody := s.at(devstack.SASLPlaintext, nil, sasl(kafka.Plain, "nobody", canary))
	list = preflight.Kafka(t.Context(), nobody, preflight.KafkaExpectations{Topics: []string{"mine"}})
	wantRequirement(t, list, "encryption", preflight.Warning, "PLAIN")
	wantRequirement(t, list, "idempotent producer", preflight.Failed, "User:nobody", "IdempotentWrite")
	wantRequirement(t, list, "topic mine", preflight.Failed, "User:nobody")
	wantGolden(t, "denied", list, "BROKER", nobody.Brokers[0])

	stranger := s.at(devstack.SASLTLS, s.tls, sasl(kafka.ScramSHA512, "walpost", canary+"x"))
	wantGolden(t, "password", preflight.Kafka(t.Context(), stranger, preflight.KafkaExpectations{Topics: []string{"mine"}}),
		"BROKER", stranger.Brokers[0])
	if list := preflight.Kafka(t.Context(), s.at(devstack.SASLTLS, s.tls, s.all), preflight.KafkaExpectations{}); slices.ContainsFunc(list,
		func(q preflight.Requirement) bool { return q.Name == "encryption" }) {
		t.Errorf("SASL under TLS is warned of: %+v", list)
	}
}

// comparing topics with their declarations names the right that lacks.
func (s *secured) comparing(t *testing.T, o kafka.Options) {
	t.Helper()
	c := connect(t, o)
	same := func(name string) topics.Spec { return topics.Spec{Name: name, Partitions: 3, ReplicationFactor: -1} }
	_, err := c.Compare(t.Context(), []topics.Spec{same("theirs")}, same)
	wantError(t, err, kafka.Denied, "theirs", "User:limited", "--operation Describe")
	settings := topics.Spec{Name: "mine", Partitions: -1, ReplicationFactor: -1, Config: map[string]string{"retention.ms": "1"}}
	_, err = c.Compare(t.Context(), []topics.Spec{settings}, same)
	wantError(t, err, kafka.Denied, "mine", "DescribeConfigs")
	found := must(c.Compare(t.Context(), []topics.Spec{same("mine")}, same))
	if len(found) != 1 || !found[0].AddsPartitions() {
		t.Fatalf("%+v", found)
	}
	wantError(t, c.Apply(t.Context(), &found[0], same("mine"), same("mine"), false), kafka.Denied, "mine", "--operation Alter")
	found[0].Changes = []topics.Change{{Setting: "retention.ms", To: "1"}}
	wantError(t, c.Apply(t.Context(), &found[0], settings, settings, false), kafka.Denied, "mine", "--operation AlterConfigs")
}

// An expired certificate needs a server that has one.
func TestExpiredCertificate(t *testing.T) {
	ca := must(devstack.NewCA("ours"))
	certificate := must(ca.Issue(devstack.CertificateOptions{CommonName: "localhost", Hosts: []string{"127.0.0.1"}, Expired: true}))
	listener := must(tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{must(certificate.TLS())}}))
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for conn, err := listener.Accept(); err == nil; conn, err = listener.Accept() {
			_ = conn.(*tls.Conn).Handshake() // the client ends it
			_ = conn.Close()
		}
	}()
	o := kafka.Options{Brokers: []string{listener.Addr().String()}, TLS: &kafka.TLS{CA: must(ca.WriteFile(t.TempDir(), "ca"))}}
	_, err := kafka.Connect(t.Context(), o)
	wantError(t, err, kafka.Expired, "expired", listener.Addr().String())
}

// wantRequirement fails the test unless a finding of that name has the state and
// says the words in detail or fix.
func wantRequirement(t *testing.T, list []preflight.Requirement, name string, state preflight.State, words ...string) {
	t.Helper()
	for _, q := range list {
		if q.Name != name || q.State != state {
			continue
		}
		for _, w := range words {
			if !strings.Contains(q.Detail+"\n"+q.Fix, w) {
				t.Errorf("%q is not in %+v", w, q)
			}
		}
		if (q.Fix == "") != (q.State == preflight.OK) || strings.Contains(q.Detail+q.Fix, canary) {
			t.Errorf("%+v", q)
		}
		return
	}
	t.Errorf("no %v finding %q in %+v", state, name, list)
}

func TestFilesAreReadAtEachHandshake(t *testing.T) {
	ca := must(devstack.NewCA("ours"))
	caFile, cert, key := files(t, ca, "walpost")
	c := must(kafka.Settings(kafka.Options{Brokers: []string{"a:1"}, TLS: &kafka.TLS{CA: caFile, Cert: cert, Key: key}}))
	if _, _, err := must(ca.Client("renewed")).WriteFiles(filepath.Dir(cert), "walpost"); err != nil {
		t.Fatal(err)
	}
	pair := must(c.Net.TLS.Config.GetClientCertificate(nil))
	if pair.Leaf.Subject.CommonName != "renewed" {
		t.Errorf("the certificate is still that of %s", pair.Leaf.Subject)
	}
}
