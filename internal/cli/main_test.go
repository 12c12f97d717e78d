package cli_test

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/cli"
	"github.com/walpost/walpost/internal/cli/clitest"
	"github.com/walpost/walpost/internal/config/configtest"
)

var stack devstacktest.Stack

func TestMain(m *testing.M) { os.Exit(clitest.Main(m, &stack)) }

// result is what a command wrote and ended with.
type result struct {
	code     int
	out, err string
}

// walpost runs a command in this process.
func walpost(t *testing.T, args ...string) result {
	t.Helper()
	return walpostWith(t, "", args...)
}

func walpostWith(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	var out, errs bytes.Buffer
	code := cli.Main(args, strings.NewReader(stdin), &out, &errs)
	return result{code, out.String(), errs.String()}
}

// want fails the test unless the command ended with the code and wrote the texts.
func (r result) want(t *testing.T, code int, texts ...string) {
	t.Helper()
	if r.code != code {
		t.Fatalf("exit code %d, want %d\nstdout: %s\nstderr: %s", r.code, code, r.out, r.err)
	}
	for _, text := range texts {
		if !strings.Contains(r.out+r.err, text) {
			t.Errorf("%q is not in\nstdout: %s\nstderr: %s", text, r.out, r.err)
		}
	}
}

// insert is one event of an aggregate type.
func insert(kind, key string, n int) string {
	return fmt.Sprintf("INSERT INTO outbox (id, aggregatetype, aggregateid, type, payload) VALUES (gen_random_uuid(), '%s', '%s', "+
		"'Created', '{\"n\": %d}')", kind, key, n)
}

// setup is a database of its own and a file for it.
type setup struct {
	db     devstacktest.Database
	prefix string // of the topics
	file   string
}

func newSetup(t *testing.T, more keys) setup {
	t.Helper()
	s := setup{db: stack.Database(t), prefix: stack.Name(t)}
	s.file = s.write(t, more)
	return s
}

// keys are keys of a configuration.
type keys = configtest.Keys

// write writes a file for the database with more keys, and returns its path.
func (s setup) write(t *testing.T, more keys) string {
	t.Helper()
	return configtest.File(t, s.yaml(t, more))
}

// yaml is the text of a file for the database. In the keys PREFIX stands for the prefix
// of the topics.
func (s setup) yaml(t *testing.T, more keys) string {
	t.Helper()
	all := keys{
		"name": s.db.Name, "postgres.url": s.db.URL, "kafka.brokers": stack.Kafka(t).Bootstrap(devstack.Plaintext),
		"admin.listen": "", "outbox.topic": "PREFIX.{aggregatetype}",
	}
	return strings.ReplaceAll(all.With(more).YAML(t), "PREFIX", s.prefix)
}

// unasked are the keys of a file whose servers do not answer.
func unasked(name string) keys {
	return keys{"name": name, "postgres.url": "postgres://u:canary@" + nobody + "/x", "kafka.brokers": []string{nobody}}
}

// nobody is an address where nobody listens.
const nobody = "127.0.0.1:1"
