package source_test

import (
	"strings"
	"testing"

	"github.com/walpost/walpost/internal/connector/source"
)

const router = "io.debezium.transforms.outbox.EventRouter"

func read(t *testing.T, in source.Input) *source.Source {
	t.Helper()
	in.Marker = router
	src, err := source.Read(in)
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func TestPropertiesOfJava(t *testing.T) {
	t.Parallel()
	src := read(t, source.Input{Data: []byte("! a comment\r\nname : x\r\na.b.c\\:d=v\\\r\n  w\\u00e9 \\${x} ${y}\r\n#c=1\r\nempty\r\n")})
	for name, want := range map[string]string{"name": "x", "a.b.c:d": "vw\u00e9 ${x} ${y}", "empty": ""} {
		if o := src.Options[name]; o == nil || o.Value != want {
			t.Errorf("%s: %+v, want %q", name, o, want)
		}
	}
	if len(src.Options) != 3 || src.Name != "x" || src.Server {
		t.Errorf("%+v", src)
	}
}

func TestDebeziumServerHasTheNamesOfKafkaConnect(t *testing.T) {
	t.Parallel()
	src := read(t, source.Input{Data: []byte("debezium.source.topic.prefix=p\ndebezium.transforms=a\ndebezium.transforms.a.type=b\n" +
		"debezium.sink.kafka.producer.acks=1\ndebezium.predicates.c.type=d\ndebezium.format.key=json\n")})
	for name, raw := range map[string]string{
		"topic.prefix": "debezium.source.topic.prefix", "transforms": "debezium.transforms",
		"transforms.a.type": "debezium.transforms.a.type",
		"producer.acks":     "debezium.sink.kafka.producer.acks", "predicates.c.type": "debezium.predicates.c.type",
		"debezium.format.key": "debezium.format.key",
	} {
		if got := src.Raw(name); got != raw {
			t.Errorf("%s: %s, want %s", name, got, raw)
		}
	}
	if src.Name != "p" || !src.Server {
		t.Errorf("%+v", src)
	}
}

// A connector that names a converter does not take options of the worker's.
func TestWorkerAddsWhatTheConnectorDoesNotName(t *testing.T) {
	t.Parallel()
	src := read(t, source.Input{
		Data: []byte("key.converter=String\nproducer.override.acks=all\n"),
		Worker: []byte("bootstrap.servers=a:1\nkey.converter=Json\nkey.converter.schemas.enable=false\nvalue.converter=Json\n" +
			"value.converter.schemas.enable=false\nproducer.acks=1\ngroup.id=g\n"),
	})
	want := "bootstrap.servers=a:1 key.converter=String producer.acks=1 producer.override.acks=all value.converter=Json " +
		"value.converter.schemas.enable=false"
	var got []string
	for _, name := range src.Names("") {
		got = append(got, name+"="+src.Value(name))
	}
	if strings.Join(got, " ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, " "), want)
	}
}

// No error shows a value: any of them may be a secret.
func TestWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                            "is empty",
		" \n":                         "is empty",
		"{\n \"a\": \"hunter2\",,\n}": "line 2, column 17: no JSON",
		`{"a": ["hunter2"]}`:          "a: want a text",
		`["orders", "hunter2"]`:       "has names of connectors only",
		`[]`:                          "has no connector",
		`{"a": {"config": {"t": "` + router + `"}}, "b": {"config": {"t": "` + router + `"}}}`: "name one with --connector (a, b)",
		`{"a": {"config": {"t": "x"}}, "b": {"config": {"t": "y"}}}`:                           "none of the connectors has " + router,
		"a=\\uhunter2": "is neither JSON, a properties file nor a KafkaConnector",
		"kind: KafkaConnector\nspec: {config: {a: [hunter2]}}":    "spec.config.a: want a text",
		"kind: KafkaConnector\nspec: [hunter2\n":                  "want one KafkaConnector",
		"kind: KafkaConnector\n---\nkind: KafkaConnector\na: 1\n": "want one KafkaConnector",
	} {
		_, err := source.Read(source.Input{File: "x", Data: []byte(text), Marker: router})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}
