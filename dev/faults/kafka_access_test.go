package faults_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/dlt"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/status"
)

// reauthentication is how long a broker of securedKafka lets a connection live
// without a new authentication (connections.max.reauth.ms).
const reauthentication = 3 * time.Second

// Rows about rights and passwords, on one broker with ACLs, each with a user of its
// own.
func TestRow33to41_RightsAndPasswords(t *testing.T) {
	t.Parallel()
	users := map[string]string{}
	rows := []struct {
		name string
		do   func(*testing.T, *secured)
	}{
		{"Row33_DeniedThenGranted", row33DeniedThenGranted},
		{"Row34_IdempotentWriteDenied", row34IdempotentWriteDenied},
		{"Row35_DeadLetterDeniedThenGranted", row35DeadLetterDeniedThenGranted},
		{"Row41_PasswordRotated", row41PasswordRotated},
		{"Row41_ReauthenticatesUnderLoad", row41ReauthenticatesUnderLoad},
	}
	for _, row := range rows {
		users[row.name] = firstPassword
	}
	k := devstacktest.StartKafka(t, devstack.KafkaOptions{
		QuickStart: true, Users: users, Authorize: true,
		Settings: map[string]string{"connections.max.reauth.ms": "3000"},
	})
	admin, err := k.Admin()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = admin.Close() })
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) { row.do(t, &secured{kafka: k, admin: admin, user: row.name}) })
	}
}

// The passwords of every user, in this order.
const firstPassword, secondPassword = "canary-one", "canary-two"

// secured is a broker with ACLs, for one user.
type secured struct {
	kafka *devstack.Kafka
	admin sarama.ClusterAdmin
	user  string
	file  string // with the password
}

// harness is one whose relay is the user, by SCRAM, with the password in a file.
func (s *secured) harness(t *testing.T, more keys) *harness {
	t.Helper()
	s.file = filepath.Join(t.TempDir(), "password")
	s.write(t, firstPassword)
	h := newHarness(t, more.With(keys{
		"kafka.sasl.mechanism": "SCRAM-SHA-512", "kafka.sasl.username": s.user, "kafka.sasl.password": "${file:" + s.file + "}",
	}))
	h.UseKafka(t, s.kafka, devstack.SASLPlaintext, 1)
	h.pause = steady
	return h
}

func (s *secured) topic(t *testing.T, name string, config map[string]string) {
	t.Helper()
	if err := s.kafka.CreateTopic(t.Context(), name, relaytest.Partitions, 1, config); err != nil {
		t.Fatal(err)
	}
}

func (s *secured) write(t *testing.T, password string) {
	t.Helper()
	if err := os.WriteFile(s.file, []byte(password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// acls are the user's for a topic.
func (s *secured) acls(topic string, operations ...sarama.AclOperation) []*sarama.ResourceAcls {
	r := &sarama.ResourceAcls{Resource: sarama.Resource{
		ResourceType: sarama.AclResourceTopic, ResourceName: topic, ResourcePatternType: sarama.AclPatternLiteral,
	}}
	for _, op := range operations {
		r.Acls = append(r.Acls, &sarama.Acl{
			Principal: "User:" + s.user, Host: "*", Operation: op, PermissionType: sarama.AclPermissionAllow,
		})
	}
	return []*sarama.ResourceAcls{r}
}

func (s *secured) grant(t *testing.T, topic string, operations ...sarama.AclOperation) {
	t.Helper()
	if len(operations) == 0 {
		operations = []sarama.AclOperation{sarama.AclOperationDescribe, sarama.AclOperationWrite}
	}
	if err := s.admin.CreateACLs(s.acls(topic, operations...)); err != nil {
		t.Fatal(err)
	}
}

func (s *secured) withdraw(t *testing.T, topic string) {
	t.Helper()
	principal := "User:" + s.user
	_, err := s.admin.DeleteACL(sarama.AclFilter{
		ResourceType: sarama.AclResourceTopic, ResourceName: &topic, ResourcePatternTypeFilter: sarama.AclPatternLiteral,
		Principal: &principal, Operation: sarama.AclOperationWrite, PermissionType: sarama.AclPermissionAny,
	}, false)
	if err != nil {
		t.Fatal(err)
	}
}

// The right to write is withdrawn under load and granted again: the relay says what
// lacks, waits, and goes on soon, without a restart.
func row33DeniedThenGranted(t *testing.T, s *secured) {
	h := s.harness(t, nil)
	s.grant(t, h.Topic)
	w := h.streamUnderLoad(t, 100)
	s.withdraw(t, h.Topic)
	h.State(t, status.KafkaUnavailable)
	if c := h.Condition(t, status.ConditionDenied); !strings.Contains(c.Hint, h.Topic) {
		t.Errorf("the condition %+v does not name the topic", c)
	}
	report := h.Report("")
	if report.Ready() {
		t.Error("ready, and it may not write")
	}
	for _, c := range report.Conditions {
		if c.Name == status.ConditionKafka {
			t.Errorf("Kafka answers, and %+v", c)
		}
	}
	s.grant(t, h.Topic)
	within(t, soon, "going on", func() { h.Passes(t, 100) })
	h.State(t, status.Streaming)
	h.endExactlyOnce(t, w)
}

// A principal that may write to no topic and has no IdempotentWrite: the relay says
// which right lacks, and goes on once it has it. `walpost check` names it too:
// internal/kafka, TestSecuredCluster.
func row34IdempotentWriteDenied(t *testing.T, s *secured) {
	h := s.harness(t, nil)
	s.grant(t, h.Topic, sarama.AclOperationDescribe)
	h.Launch(t)
	h.State(t, status.KafkaUnavailable)
	for _, word := range []string{"IdempotentWrite", "grant", "Write on the topics"} {
		if reason := h.Status().Reason; !strings.Contains(reason, word) {
			t.Errorf("the reason %q does not say %q", reason, word)
		}
	}
	h.Exec(t, inserts(1, 50))
	s.grant(t, h.Topic)
	h.Confirmed(t)
	h.exactlyOnce(t)
	h.Stop(t)
}

// The dead letter topic may not be written: the record waits at the head of its
// partition and the LSN with it, until the right is granted. Then the dead letter
// is there, and nothing was repeated.
func row35DeadLetterDeniedThenGranted(t *testing.T, s *secured) {
	h := s.harness(t, rejects("dead_letter"))
	dead := h.Config.Delivery.DeadLetter.String()
	s.topic(t, dead, nil)
	s.grant(t, h.Topic)
	s.grant(t, dead, sarama.AclOperationDescribe)
	h.Start(t)
	h.sample(t)
	h.Exec(t, inserts(1, 50))
	h.Confirmed(t)
	h.Exec(t, poison, inserts(51, 100))
	if c := h.Condition(t, status.ConditionDenied); !strings.Contains(c.Hint, dead) {
		t.Errorf("the condition %+v does not name the topic", c)
	}
	h.Until(t, "the others to pass", func() bool { return h.Seen.Records.Load() == 100 })
	confirmed := devstacktest.Value[string](t, h.DB.Conn,
		"SELECT lpad(to_hex((confirmed_flush_lsn - '0/0')::bigint), 16, '0') FROM pg_replication_slots WHERE slot_name = $1",
		h.Config.Postgres.Slot)
	s.grant(t, dead)
	h.Confirmed(t)
	for _, letter := range h.deadLetters(t, dead, 1) {
		if string(letter.Value) != `{"n": 1}` {
			t.Errorf("the dead letter has the value %s", letter.Value)
		}
		if at, _, _ := strings.Cut(header(letter, dlt.HeaderPosition), "/"); confirmed > at {
			t.Errorf("the slot was confirmed up to %s when the dead letter of commit %s was not in Kafka", confirmed, at)
		}
	}
	h.Exec(t, "DELETE FROM outbox WHERE aggregatetype <> 'order'")
	h.exactlyOnce(t)
	h.Stop(t)
}

// poison is a row whose topic no Kafka can have.
const poison = `INSERT INTO outbox (aggregatetype, aggregateid, type, payload) VALUES ('no/topic', 'k', 'T', '{"n": 1}')`

// The password is changed in Kafka first and in the file later: the relay is
// refused at its next authentication, says so without the password, and goes on
// once the file has the new one.
func row41PasswordRotated(t *testing.T, s *secured) {
	h := s.harness(t, nil)
	s.grant(t, h.Topic)
	w := h.streamUnderLoad(t, 100)
	if err := s.kafka.SetPassword(t.Context(), s.user, secondPassword); err != nil {
		t.Fatal(err)
	}
	h.State(t, status.KafkaUnavailable)
	h.Until(t, "the refusal to be named", func() bool { return strings.Contains(h.Status().Reason, "kafka.sasl") })
	s.write(t, secondPassword)
	within(t, soon, "going on", func() { h.Passes(t, 100) })
	h.State(t, status.Streaming)
	h.endExactlyOnce(t, w)
	for _, e := range h.Log.All() {
		for _, f := range e.Context {
			if strings.Contains(f.String, firstPassword) || strings.Contains(f.String, secondPassword) {
				t.Errorf("a password is in the log: %s: %s", e.Message, f.String)
			}
		}
	}
}

// The broker ends every connection that has not authenticated again in time: the
// relay does so, under load, without losing or repeating anything and without being
// called unavailable.
func row41ReauthenticatesUnderLoad(t *testing.T, s *secured) {
	h := s.harness(t, nil)
	s.grant(t, h.Topic)
	w := h.streamUnderLoad(t, 100)
	h.State(t, status.Streaming)
	begun := time.Now()
	h.Until(t, "three re-authentications", func() bool {
		if state := h.Status().State; state == status.KafkaUnavailable {
			t.Fatalf("state %s: %s", state, h.Status().Reason)
		}
		return time.Since(begun) > 3*reauthentication
	})
	h.Passes(t, 100)
	h.endExactlyOnce(t, w)
	if n := h.Seen.Errors("connection"); n > 0 {
		t.Errorf("%d requests failed with their connection", n)
	}
}
