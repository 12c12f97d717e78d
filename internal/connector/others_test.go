package connector_test

import (
	"bufio"
	"encoding/json"
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/walpost/walpost/internal/connector"
	"github.com/walpost/walpost/internal/connector/source"
)

// base is the smallest connector.
func base(with map[string]string) map[string]string {
	config := map[string]string{
		"connector.class": "io.debezium.connector.postgresql.PostgresConnector", "plugin.name": "pgoutput", "database.hostname": "db",
		"database.user": "u", "database.dbname": "d", "topic.prefix": "p", "table.include.list": "public.outbox", "transforms": "outbox",
		"transforms.outbox.type": "io.debezium.transforms.outbox.EventRouter",
		"key.converter":          "org.apache.kafka.connect.storage.StringConverter",
		"value.converter":        "org.apache.kafka.connect.storage.StringConverter",
	}
	maps.Copy(config, with)
	return config
}

// imported imports a connector.
func imported(t *testing.T, config map[string]string) *connector.Result {
	t.Helper()
	data, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	result, err := connector.Import(source.Input{File: "connector.json", Data: data})
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// options.txt has the options of Debezium 3.7 and Kafka 4.1, as their own classes list them.
func TestEveryOptionOfDebeziumIsKnown(t *testing.T) {
	t.Parallel()
	file, err := os.Open(museum + "options.txt")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	prefixes := map[string]string{
		"connector": "", "source": "", "router": "transforms.outbox.", "producer": "producer.override.", "json": "value.converter.",
		"string": "key.converter.", "topic": "topic.creation.default.",
	}
	count := 0
	for lines := bufio.NewScanner(file); lines.Scan(); count++ {
		of, name, _ := strings.Cut(lines.Text(), " ")
		name = prefixes[of] + name
		if name == "transforms" || name == "connector.class" {
			continue
		}
		result := imported(t, base(map[string]string{name: "7"}))
		for _, note := range result.Lost {
			if strings.Contains(note.Text, "unknown option") || strings.Contains(note.Text, "no such option") {
				t.Errorf("%s: %s", name, note.Text)
			}
		}
		if said := string(result.YAML) + words(result); !strings.Contains(said, name) {
			t.Errorf("nothing is said of %s", name)
		}
	}
	if count < 300 {
		t.Errorf("%d options", count)
	}
}

func TestUnknownOptionsAreLost(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"slot.nam":                                       "is an unknown option (did you mean slot.name?)",
		"x.y":                                            "is an unknown option: what it does is not done",
		"transforms.outbox.route.topic.regx":             "(did you mean route.topic.regex?)",
		"transforms.outbox.table.field.xyzzy":            "no such option",
		"producer.override.linger":                       "is an unknown option",
		"debezium.op.invalid.behavior":                   "an option of Debezium Server",
		"transforms.outbox.debezium.op.invalid.behavior": "no such option", // Debezium 1's name, beside topic.prefix of Debezium 2
	} {
		found := false
		for _, note := range imported(t, base(map[string]string{name: "7"})).Lost {
			found = found || note.Option == name && strings.Contains(note.Text, want)
		}
		if !found {
			t.Errorf("%s is not lost with %q", name, want)
		}
	}
}
