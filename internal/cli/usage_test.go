package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWrongCommandLines(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args string
		text string
	}{
		{"", "a command is needed"},
		{"rnu", "did you mean run?"},
		{"config prnt", "did you mean print?"},
		{"config", "a command is needed"},
		{"run", "needs a configuration: -c FILE"},
		{"run --confg x", "did you mean --config?"},
		{"run -c", "flag needs an argument"},
		{"run -x", "unknown shorthand flag"},
		{"run file.yaml", `unknown command "file.yaml" for "walpost run"`},
		{"version extra", "unknown command"},
		{"status -c x --interval 0s", "--interval"},
		{"init -c /nowhere/walpost.yaml", "/nowhere/walpost.yaml: cannot be read"},
	} {
		walpost(t, strings.Fields(c.args)...).want(t, 2, c.text)
	}
}

func TestEveryFaultOfEveryFileIsALine(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, yaml := range map[string]string{
		"a.yaml": "name: A\npostgres: {url: postgres://localhost/x}\nkafka: {brokers: [localhost]}\n",
		"b.yaml": "name: b\nkafka: {brokers: [localhost:9092], lingr: 1s}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(yaml), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, command := range []string{
		"run", "init", "check", "status", "tail", "health", "drop", "dlt list", "dlt redrive", "config print",
	} {
		r := walpost(t, append(strings.Fields(command), "-c", dir)...)
		r.want(t, 2, filepath.Join(dir, "a.yaml")+":1:7: ", filepath.Join(dir, "a.yaml")+":3:",
			filepath.Join(dir, "b.yaml")+":2:", "linger")
		for line := range strings.Lines(r.err) {
			if !strings.HasPrefix(line, dir) {
				t.Errorf("%s: line without its place: %q", command, line)
			}
		}
		if r.out != "" {
			t.Errorf("%s wrote %q", command, r.out)
		}
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	r := walpost(t, "version", "--json")
	r.want(t, 0)
	var v map[string]string
	if err := json.Unmarshal([]byte(r.out), &v); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"version", "commit", "go_version"} {
		if v[key] == "" {
			t.Errorf("no %s in %s", key, r.out)
		}
	}
	walpost(t, "version").want(t, 0, "walpost ", "commit ", "go1.")
	walpost(t, "--version").want(t, 0, "walpost ")
}

func TestEveryCommandHasHelpWithExamples(t *testing.T) {
	t.Parallel()
	for _, command := range []string{
		"", "run", "init", "check", "status", "tail", "health", "drop", "dlt", "dlt list", "dlt show", "dlt redrive", "dlt discard",
		"config", "config schema", "config print", "version",
	} {
		walpost(t, append(strings.Fields(command), "--help")...).want(t, 0, "Usage:", "Examples:", "  walpost "+command)
	}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		walpost(t, "completion", shell).want(t, 0, "walpost")
	}
}

func TestConfigSchemaAndPrint(t *testing.T) {
	t.Parallel()
	r := walpost(t, "config", "schema")
	r.want(t, 0)
	if !json.Valid([]byte(r.out)) {
		t.Error("the schema is not JSON")
	}
	file := keys{
		"name": "orders", "postgres.url": "postgres://u:canary1@localhost/x", "postgres.password": "",
		"kafka.brokers": []string{"localhost:9092"}, "kafka.sasl": keys{"mechanism": "PLAIN", "username": "u", "password": "canary2"},
	}.File(t)
	r = walpost(t, "config", "print", "-c", file)
	r.want(t, 0, "slot: walpost_orders", "***", "hibernate_after")
	if strings.Contains(r.out+r.err, "canary") {
		t.Errorf("a secret is shown:\n%s", r.out)
	}
}
