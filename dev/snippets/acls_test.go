package snippets_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/cli/clitest"
	"github.com/walpost/walpost/pkg/inbox"
	"github.com/walpost/walpost/pkg/inbox/deadletter"
)

// accessControl matches a command of the page.
var accessControl = regexp.MustCompile(`^kafka-acls\.sh --add --allow-principal User:(\w+)` +
	`((?: --operation \w+)+) --(group|topic|transactional-id) (\S+)( --resource-pattern-type prefixed)?$`)

// access is one operation that a user may do.
type access struct {
	operation, kind, name string
	prefixed              bool
}

// accessOf returns what the commands of a block allow, one by one, in the names of a test.
func accessOf(t *testing.T, block string, names *strings.Replacer) []access {
	t.Helper()
	var all []access
	for line := range strings.Lines(snippet(t, rightsPage, block)) {
		m := accessControl.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil {
			t.Fatalf("%s has a command of another form: %s", rightsPage, line)
		}
		for operation := range strings.SplitSeq(m[2], " --operation ") {
			if operation != "" {
				all = append(all, access{operation, m[3], names.Replace(m[4]), m[5] != ""})
			}
		}
	}
	return all
}

// allow gives a user a right.
func (a access) allow(t *testing.T, admin sarama.ClusterAdmin, user string) {
	t.Helper()
	resource := sarama.Resource{ResourceType: sarama.AclResourceTopic, ResourceName: a.name, ResourcePatternType: sarama.AclPatternLiteral}
	switch a.kind {
	case "group":
		resource.ResourceType = sarama.AclResourceGroup
	case "transactional-id":
		resource.ResourceType = sarama.AclResourceTransactionalID
	}
	if a.prefixed {
		resource.ResourcePatternType = sarama.AclPatternPrefixed
	}
	operation := map[string]sarama.AclOperation{
		"Read": sarama.AclOperationRead, "Write": sarama.AclOperationWrite, "Delete": sarama.AclOperationDelete,
		"Create": sarama.AclOperationCreate,
	}[a.operation]
	principal := "User:" + user
	if err := admin.CreateACLs([]*sarama.ResourceAcls{{Resource: resource, Acls: []*sarama.Acl{
		{Principal: principal, Host: "*", Operation: operation, PermissionType: sarama.AclPermissionAllow},
	}}}); err != nil {
		t.Fatal(err)
	}
	devstacktest.Await(t, "the broker to know the right", func() bool {
		all, err := admin.ListAcls(sarama.AclFilter{
			ResourceType: resource.ResourceType, ResourceName: &resource.ResourceName,
			ResourcePatternTypeFilter: resource.ResourcePatternType,
			Principal:                 &principal, Operation: operation, PermissionType: sarama.AclPermissionAllow,
		})
		return err == nil && len(all) > 0
	})
}

// named reports whether a text says which right lacks. The relay may lack all topics at once.
func (a access) named(text string) bool {
	return strings.Contains(text, a.operation) && (a.prefixed || strings.Contains(text, a.name))
}

// secured is a broker with ACLs and with users u0, u1, ..., one for each attempt.
type secured struct {
	kafka *devstack.Kafka
	admin sarama.ClusterAdmin
	next  int
}

const users = 40

func newSecured(t *testing.T) *secured {
	t.Helper()
	passwords := map[string]string{}
	for n := range users {
		passwords[fmt.Sprint("u", n)] = "secret"
	}
	s := &secured{kafka: devstacktest.StartKafka(t, devstack.KafkaOptions{Users: passwords, Authorize: true})}
	var err error
	if s.admin, err = s.kafka.Admin(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.admin.Close() })
	return s
}

// tried does something with all that a block allows, and then without each of it, every time as another user and with other
// topics: those of the block, with the user's name in the place of order.
func (s *secured) tried(t *testing.T, block string, given []string, do func(t *testing.T, user, topic string) error) {
	t.Helper()
	for out := -1; ; out++ {
		user := fmt.Sprint("u", s.next)
		s.next++
		topic := "outbox.event." + user
		names := strings.NewReplacer("event.order", "event."+user, "walpost_positions", "positions."+user, "walpost-shop", "once."+user)
		all := accessOf(t, block, names)
		if out == len(all) {
			return
		}
		createTopics(t, s.kafka, topic, topic+".DLT", "payments."+topic+".retry")
		for _, block := range given {
			for _, a := range accessOf(t, block, names) {
				a.allow(t, s.admin, user)
			}
		}
		for i, a := range all {
			if i != out {
				a.allow(t, s.admin, user)
			}
		}
		err := do(t, user, topic)
		switch {
		case out < 0 && err != nil:
			t.Errorf("with all that %s allows: %v", block, err)
		case out >= 0 && (err == nil || !all[out].named(err.Error())):
			t.Errorf("without %s on %s: %v", all[out].operation, all[out].name, err)
		}
	}
}

func TestRightsInKafka(t *testing.T) {
	t.Parallel()
	s := newSecured(t)
	inboxes, lists := consumerDatabase(t), projectionDatabase(t)
	s.tried(t, "consumer.acls", nil, func(t *testing.T, user, topic string) error {
		config := consumerConfig(s.kafka, topic, "payments")
		config.Brokers, config.RetryTopic = s.kafka.Bootstrap(devstack.SASLPlaintext), "payments.{topic}.retry"
		config.SASL = &inbox.SASL{Mechanism: "PLAIN", User: user, Password: "secret"}
		return consumed(t, s.kafka, devstacktest.OpenSQL(t, inboxes.URL), config)
	})
	s.tried(t, "projection.acls", nil, func(t *testing.T, user, topic string) error {
		publish(t, s.kafka, topic, "Fine")
		config := projectionConfig(s.kafka, topic, user)
		config.Brokers = s.kafka.Bootstrap(devstack.SASLPlaintext)
		config.SASL = &inbox.SASL{Mechanism: "PLAIN", User: user, Password: "secret"}
		return projected(t, devstacktest.OpenSQL(t, lists.URL), config)
	})
	redrive := func(remove bool) func(*testing.T, string, string) error {
		return func(t *testing.T, user, topic string) error {
			if err := consumed(t, s.kafka, devstacktest.OpenSQL(t, inboxes.URL), consumerConfig(s.kafka, topic, user)); err != nil {
				t.Fatal(err)
			}
			return redriven(t, deadletter.Config{
				Brokers: s.kafka.Bootstrap(devstack.SASLPlaintext), Topic: topic + ".DLT", Remove: remove,
				SASL: &inbox.SASL{Mechanism: "PLAIN", User: user, Password: "secret"},
			})
		}
	}
	s.tried(t, "redrive.acls", nil, redrive(false))
	s.tried(t, "remove.acls", []string{"redrive.acls"}, redrive(true))
	s.tried(t, "relay.acls", nil, func(t *testing.T, user, topic string) error { return relayed(t, s.kafka, user, topic) })
}

// redriven puts dead letters back, and returns why one stays.
func redriven(t *testing.T, config deadletter.Config) error {
	t.Helper()
	var stays []error
	config.Stays = func(r *deadletter.Record) error {
		stays = append(stays, r.Stays)
		return nil
	}
	result, err := deadletter.Redrive(t.Context(), config)
	if err == nil && len(stays) == 0 && (result.Marked != 1 || len(result.Removed) != 1 && config.Remove) {
		t.Errorf("redriven: %+v", result)
	}
	return errors.Join(append(stays, err)...)
}

// relayed runs a relay until it has published an event, or says what it lacks.
func relayed(t *testing.T, kafka *devstack.Kafka, user, topic string) error {
	t.Helper()
	db := stack.Database(t)
	file := secureFile(t, db, kafka, user, "")
	if text, err := clitest.Command(t, "init", "-c", file).CombinedOutput(); err != nil {
		t.Logf("init: %v\n%s", err, text)
	}
	return published(t, db, kafka, file, topic)
}

// secureFile writes the file of a relay that is a user in Kafka, or the administrator. A line may be added.
func secureFile(t *testing.T, db devstacktest.Database, kafka *devstack.Kafka, user, line string) string {
	t.Helper()
	const configuration = `name: %s
postgres: {url: %q}
kafka: {brokers: [%q]%s}
admin: {listen: "127.0.0.1:0"}
%s
`
	broker, sasl := kafka.Bootstrap(devstack.Plaintext)[0], ""
	if user != "" {
		broker = kafka.Bootstrap(devstack.SASLPlaintext)[0]
		sasl = fmt.Sprintf(", sasl: {mechanism: PLAIN, username: %s, password: secret}", user)
	}
	return write(t, t.TempDir(), "relay.yaml", fmt.Sprintf(configuration, db.Name, db.URL, broker, sasl, line))
}

// What a relay with exactly_once needs, and walpost position, recover, audit and init.
func TestRightsOfExactlyOnceInKafka(t *testing.T) {
	t.Parallel()
	s := newSecured(t)
	prepared := func(t *testing.T, user string) (devstacktest.Database, string) {
		t.Helper()
		db := stack.Database(t)
		line := fmt.Sprintf("delivery: {guarantee: exactly_once, transactional_id: once.%[1]s, position_topic: positions.%[1]s}", user)
		if err := ran(t, "init", "-c", secureFile(t, db, s.kafka, "", line)); err != nil {
			t.Fatal(err)
		}
		return db, secureFile(t, db, s.kafka, user, line)
	}
	s.tried(t, "relay_once.acls", []string{"relay.acls"}, func(t *testing.T, user, topic string) error {
		db, file := prepared(t, user)
		return published(t, db, s.kafka, file, topic)
	})
	s.tried(t, "relay_once.acls", nil, func(t *testing.T, user, _ string) error {
		_, file := prepared(t, user)
		if err := ran(t, "position", "-c", file); err != nil {
			return err
		}
		return ran(t, "position", "-c", file, "--set", "slot", "--yes")
	})
	s.tried(t, "relay_once.acls", []string{"relay.acls"}, func(t *testing.T, user, topic string) error {
		db, file := prepared(t, user)
		db.Exec(t, event(strings.TrimPrefix(topic, "outbox.event.")))
		return ran(t, "recover", "-c", file, "--all", "--force", "--yes")
	})
	s.tried(t, "relay_audit.acls", nil, func(t *testing.T, user, topic string) error {
		_, file := prepared(t, user)
		return ran(t, "audit", "-c", file, "--topic", topic)
	})
	s.tried(t, "relay_once_init.acls", []string{"relay_once.acls"}, func(t *testing.T, user, _ string) error {
		line := fmt.Sprintf("delivery: {guarantee: exactly_once, transactional_id: once.%[1]s, position_topic: positions.%[1]s}", user)
		return ran(t, "init", "-c", secureFile(t, stack.Database(t), s.kafka, user, line))
	})
}

// shown returns the report of a relay.
func shown(t *testing.T, relay *clitest.Walpost) string {
	t.Helper()
	res, err := http.Get("http://" + relay.Address(t) + "/status")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// published runs a relay until it has published an event, or says what it lacks.
func published(t *testing.T, db devstacktest.Database, kafka *devstack.Kafka, file, topic string) error {
	t.Helper()
	db.Exec(t, "INSERT INTO outbox VALUES (gen_random_uuid(), '"+strings.TrimPrefix(topic, "outbox.event.")+"', '42', 'OrderPlaced', '1')")
	relay := clitest.Start(t, "run", "-c", file)
	var lacks error
	devstacktest.Await(t, "the event, or a word", func() bool {
		for line := range strings.Lines(relay.Log.String()) {
			if strings.Contains(line, "kafka-acls.sh") || strings.Contains(line, "not authorized") {
				lacks = fmt.Errorf("%s", line)
			}
		}
		records, err := kafka.Records(t.Context(), topic)
		return lacks != nil || err == nil && len(records) > 0
	})
	if lacks != nil && !strings.Contains(lacks.Error(), "kafka-acls.sh") { // then the condition names the right
		lacks = fmt.Errorf("%w%s", lacks, shown(t, relay))
	}
	return lacks
}
