package snippets_test

import (
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/IBM/sarama"
	"go.yaml.in/yaml/v4"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/cli/clitest"
	"github.com/walpost/walpost/internal/config/configtest"
)

const debeziumPage = "docs/debezium.md"

// Every block of the page is run.
func TestBlocksOfTheDebeziumPage(t *testing.T) {
	t.Parallel()
	blocks := map[string]func(t *testing.T, block string){
		"import.sh": importBlock, "topic_regex.yaml": topicBlock,
		"cloudevents.yaml": cloudEventsBlock, "filter.yaml": filterBlock,
	}
	page := read(t, debeziumPage)
	var names []string
	for _, m := range named.FindAllStringSubmatch(page, -1) {
		names = append(names, m[1])
	}
	slices.Sort(names)
	if want := slices.Sorted(maps.Keys(blocks)); !slices.Equal(names, want) {
		t.Errorf("blocks %q, and tests of %q", names, want)
	}
	if fences := strings.Count("\n"+page, "\n```"); fences != 2*len(names) {
		t.Errorf("%d fences and %d named blocks: write <!-- snippet: NAME --> before each block, and a test", fences, len(names))
	}
	for name, run := range blocks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, snippet(t, debeziumPage, name))
		})
	}
}

// importBlock runs the commands on what Kafka Connect answers.
func importBlock(t *testing.T, block string) {
	folder, walpost := t.TempDir(), clitest.Command(t)
	config := read(t, "testdata/import/saga_strings.json")
	write(t, folder, "answer", `{"name": "orders", "config": `+config+`, "tasks": [], "type": "source"}`)
	const programs = `curl() { test "$*" = "-s http://connect:8083/connectors/orders" && cat answer; }
walpost() { "$WALPOST" "$@"; }
`
	cmd := exec.CommandContext(t.Context(), "sh", "-euc", programs+block)
	cmd.Dir, cmd.Env = folder, append(walpost.Env, "WALPOST="+walpost.Path)
	runs(t, cmd)
	file, err := os.ReadFile(filepath.Join(folder, "orders.yaml"))
	if err != nil || !strings.Contains(string(file), "slot: order_outbox") {
		t.Errorf("%v, %s", err, file)
	}
}

func topicBlock(t *testing.T, block string) {
	records := publishedAs(t, block, "shop.event.Order", `INSERT INTO outbox (aggregatetype, aggregateid) VALUES ('Order.v2', '42')`)
	if len(records) != 1 || string(records[0].Key) != "42" {
		t.Errorf("%d records", len(records))
	}
}

func filterBlock(t *testing.T, block string) {
	records := publishedAs(t, block, "outbox.event.Filtered", `INSERT INTO outbox (aggregatetype, aggregateid, kind, target)
		VALUES ('Filtered', '1', 'internal', 'kafka'), ('Filtered', '2', 'both', 'kafka'), ('Filtered', '3', NULL, 'kafka'),
			('Filtered', '4', 'external', 'kafka'), ('Filtered', '5', 'both', 'log')`)
	var keys []string
	for _, r := range records {
		keys = append(keys, string(r.Key))
	}
	if !slices.Equal(keys, []string{"2", "4"}) {
		t.Errorf("keys %q", keys)
	}
}

func cloudEventsBlock(t *testing.T, block string) {
	records := publishedAs(t, block, "outbox.event.Order",
		`INSERT INTO outbox (aggregatetype, aggregateid, type, tenant) VALUES ('Order', '42', 'Created', 'acme')`)
	if len(records) != 1 {
		t.Fatalf("%d records", len(records))
	}
	for name, want := range map[string]string{
		"ce_type": "Created", "ce_source": "https://shop.example.org/orders", "ce_tenant": "acme", "ce_subject": "42",
		"ce_specversion": "1.0",
	} {
		if got := header(records[0], name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// publishedAs returns the records of a topic when walpost has published rows with the configuration of a block.
func publishedAs(t *testing.T, block, topic, insert string) []*sarama.ConsumerMessage {
	t.Helper()
	db, kafka := stack.Database(t), stack.Kafka(t)
	db.Exec(t, `CREATE TABLE outbox (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), aggregatetype text, aggregateid text, type text,
		payload jsonb, tenant text, kind text, target text)`)
	if err := kafka.CreateTopic(t.Context(), topic, 1, 1, nil); err != nil && !errors.Is(err, sarama.ErrTopicAlreadyExists) {
		t.Fatal(err)
	}
	before, err := kafka.Records(t.Context(), topic) // of the run before
	if err != nil {
		t.Fatal(err)
	}
	keys := configtest.Keys{
		"name": db.Name, "postgres.url": db.URL, "postgres.slot": db.Name, "kafka.brokers": kafka.Bootstrap(devstack.Plaintext),
		"admin.listen": "127.0.0.1:0",
	}
	var sections map[string]map[string]any
	if err := yaml.Load([]byte(block), &sections); err != nil {
		t.Fatal(err)
	}
	for section, values := range sections {
		for name, value := range values {
			keys[section+"."+name] = value
		}
	}
	walpost := clitest.Start(t, "run", "-c", keys.File(t))
	walpost.Writes(t, `"msg":"streaming"`)
	db.Exec(t, insert)
	devstacktest.Await(t, "the rows to be confirmed", devstacktest.Confirmed(t, db.Conn, db.Name))
	walpost.Terminate(t)
	walpost.Exits(t, 0)
	records, err := kafka.Records(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	return records[len(before):]
}
