package deploy_test

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/cli/clitest"
)

// A comment before a block of a page says how it is run:
//
//	<!-- sql: ROLE -->       in database shop, as that role
//	<!-- sh -->              in a shell, with walpost in the path
//	<!-- background -->      the same, until <!-- stop --> or the end
//	<!-- file: NAME -->      the block is that file
//
// A block of text right after one that is run is what it answers.
var step = regexp.MustCompile("(?ms)(<!-- stop -->\n)?<!-- (sql|sh|background|file)(?:: ([a-z_.]+))? " +
	"-->\n```[a-z]+\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?")

// operator walks through a page.
type operator struct {
	postgres *devstack.Postgres
	folder   string
	here     *strings.Replacer // what the page calls localhost
	stop     func()
}

// TestGettingStarted types what docs/getting-started.md says, and compares what is
// answered.
func TestGettingStarted(t *testing.T) {
	t.Parallel()
	page := read(t, "docs/getting-started.md")
	o := newOperator(t)
	steps := step.FindAllStringSubmatch(page, -1)
	if runnable := len(regexp.MustCompile("(?m)^```(sql|sh|yaml)$").FindAllString(page, -1)); runnable != len(steps) {
		t.Errorf("%d of %d blocks say how they are run", len(steps), runnable)
	}
	for _, s := range steps {
		stop, kind, name, text, want := s[1], s[2], s[3], s[4], s[5]
		if stop != "" {
			o.stop()
		}
		var got string
		switch kind {
		case "sql":
			got = o.sql(t, name, text)
		case "sh":
			got = o.shell(t, text)
		case "background":
			o.background(t, text)
		case "file":
			text = o.here.Replace(text) + "admin: {listen: \"" + devstacktest.FreeAddress(t) + "\"}\n" // 9464 may be another's here
			if err := os.WriteFile(filepath.Join(o.folder, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if want != "" && alike(got) != alike(want) {
			t.Errorf("%s answers\n%s\nand the page says\n%s\n(as compared: %q and %q)", text, got, want, alike(got), alike(want))
		}
	}
}

func newOperator(t *testing.T) *operator {
	t.Helper()
	const owner = "CREATE ROLE %[1]s LOGIN PASSWORD '%[1]s'"
	o := &operator{postgres: devstacktest.StartPostgres(t, devstack.PostgresOptions{Password: "postgres"}), folder: t.TempDir()}
	if err := o.postgres.CreateDatabase(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	for _, role := range []string{"shop_owner", "shop_app", "mail"} {
		if err := o.postgres.Exec(t.Context(), "shop", fmt.Sprintf(owner, role)); err != nil {
			t.Fatal(err)
		}
	}
	if err := o.postgres.Exec(t.Context(), "shop", "GRANT CREATE ON SCHEMA public TO shop_owner"); err != nil {
		t.Fatal(err)
	}
	kafka := devstacktest.StartKafka(t, devstack.KafkaOptions{}).Bootstrap(devstack.Plaintext)[0]
	o.here = strings.NewReplacer("localhost:5432", o.postgres.Addr(), "localhost:9092", kafka)
	if err := os.Symlink(clitest.Command(t).Path, filepath.Join(o.folder, "walpost")); err != nil {
		t.Fatal(err)
	}
	return o
}

// sql runs statements as a role and gives what they answer, one row a line.
func (o *operator) sql(t *testing.T, role, text string) string {
	t.Helper()
	to := url.URL{Scheme: "postgres", User: url.UserPassword(role, role), Host: o.postgres.Addr(), Path: "shop"}
	conn, err := pgconn.Connect(t.Context(), to.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	var lines []string
	for _, statement := range strings.SplitAfter(text, ";\n") { // one by one, as ALTER SYSTEM wants
		results, err := conn.Exec(t.Context(), statement).ReadAll()
		if err != nil {
			t.Fatalf("as %s: %s: %v", role, statement, err)
		}
		for _, r := range results {
			for _, row := range r.Rows {
				lines = append(lines, string(bytes.Join(row, []byte(" | "))))
			}
		}
	}
	return strings.Join(lines, "\n")
}

func (o *operator) command(t *testing.T, text string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "bash", "-ec", text)
	cmd.Dir = o.folder
	cmd.Env = append(os.Environ(), clitest.Env, "WALPOST_PASSWORD=change-me", "PATH="+o.folder+":"+os.Getenv("PATH"))
	return cmd
}

func (o *operator) shell(t *testing.T, text string) string {
	t.Helper()
	cmd := o.command(t, text)
	var remarks bytes.Buffer
	cmd.Stderr = &remarks
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", text, err, out, remarks.String())
	}
	return string(out)
}

// background starts a command and waits until the relay streams.
func (o *operator) background(t *testing.T, text string) {
	t.Helper()
	relay := devstacktest.Start(t, o.command(t, "exec "+text))
	o.stop = func() {
		relay.Signal(t, os.Interrupt)
		relay.Writes(t, `"walpost ends"`)
	}
	relay.Writes(t, `"streaming"`)
}

// alike replaces what is another at each run: addresses, positions, ids, times,
// sizes and versions.
func alike(text string) string {
	for _, r := range []struct{ found, is string }{
		{`\b[0-9A-F]{1,8}/[0-9A-F]{1,8}\b`, "LSN"},
		{`\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b`, "UUID"},
		{`\d{4}-\d\d-\d\dT[0-9:.]+Z`, "TIME"},
		{`[A-Za-z0-9.]+:\d{2,5}\b`, "ADDRESS"},
		{`/[0-9]+@[0-9]+`, "/P@O"},
		{`_bytes=\d+|_seconds=[0-9.]+`, "=N"},
		{`\d+ of \d+ in use`, "N of N in use"},
		{`broker: [0-9-]+`, "broker: N"},
		{`[0-9]+(\.[0-9]+)?( (bytes|[KMG]iB|B|s|ms)|m?s)\b`, "SIZE"},
		{`Postgres [0-9.]+( \([^)]*\))?`, "Postgres VERSION"},
		{`[ \t]+`, " "},
		{`(?m) $`, ""},
	} {
		text = regexp.MustCompile(r.found).ReplaceAllString(text, r.is)
	}
	return strings.TrimSpace(text)
}
