package cli_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/cli"
	"github.com/walpost/walpost/internal/cli/clitest"
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

// write makes a configuration file of the YAML.
func write(t *testing.T, yaml string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "walpost.yaml")
	if err := os.WriteFile(file, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
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

func newSetup(t *testing.T, extra ...string) setup {
	t.Helper()
	s := setup{db: stack.Database(t), prefix: stack.Name(t)}
	s.file = write(t, s.yaml(t, extra...))
	return s
}

// yaml is a file for the database; the extra lines replace the `outbox` section
// when they have one.
func (s setup) yaml(t *testing.T, extra ...string) string {
	t.Helper()
	text := strings.ReplaceAll(strings.Join(extra, "\n"), "PREFIX", s.prefix)
	yaml := fmt.Sprintf("name: %s\npostgres: {url: %q}\nkafka: {brokers: [%s]}\nadmin: {listen: \"\"}\n",
		s.db.Name, s.db.URL, strings.Join(stack.Kafka(t).Bootstrap(devstack.Plaintext), ", "))
	if !strings.Contains(text, "outbox:") {
		yaml += fmt.Sprintf("outbox: {topic: %q}\n", s.prefix+".{aggregatetype}")
	}
	return yaml + text + "\n"
}
