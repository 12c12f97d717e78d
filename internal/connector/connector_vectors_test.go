package connector_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/router"
	"github.com/walpost/walpost/internal/router/vectortest"
	"github.com/walpost/walpost/internal/wiring"
)

const vectors = "../../testdata/vectors/"

// refusedFiles are the vectors that Debezium refuses at the start, or whose topic Kafka refuses: with what walpost
// says of the file.
var refusedFiles = map[string]string{
	`28 route replacement \$ literal`: "outbox.topic_replacement: want letters",
	"75 bad regex":                    "outbox.topic_regex: has a class in a class",
	"76 replacement unknown group":    "outbox.topic_replacement: names the group ${nope}",
}

// The file of a connector leads to the mapping with which walpost writes that connector's records, as the tests of the
// router show with the records that Debezium wrote.
func TestImportedFilesWriteTheRecordsOfTheVectors(t *testing.T) {
	for name, value := range map[string]string{
		"DATABASE_USER": "u", "DATABASE_HOSTNAME": "db", "DATABASE_DBNAME": "d", "KAFKA_BROKERS": "kafka:9092",
	} {
		t.Setenv(name, value)
	}
	golden, err := vectortest.ReadGolden(vectors + "golden.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	single, err := vectortest.ReadEventRouter(vectors + "eventrouter.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	tested := 0
	for _, g := range golden {
		if want, reason := g.Mapping(); reason == "" {
			sameMapping(t, g.Name, g.Config, want)
			tested++
		}
	}
	for _, e := range single {
		variants, _ := e.Variants()
		for _, v := range variants {
			if place, refused := refusedFiles[e.Case]; refused {
				_, err := config.Parse("file", imported(t, with(e.Config, v.Converter)).YAML)
				if err == nil || !strings.Contains(err.Error(), place) {
					t.Errorf("%s: error %v, want %s", e.Case, err, place)
				}
				continue
			}
			sameMapping(t, e.Case+", "+v.Converter, with(e.Config, v.Converter), v.Mapping)
			tested++
		}
	}
	if tested < 60 {
		t.Errorf("%d cases", tested)
	}
}

// with returns a connector of the options of its transform, and of a converter.
func with(transform map[string]string, converter string) map[string]string {
	options := map[string]string{"topic.prefix": "pfx"}
	for name, value := range transform {
		options["transforms.outbox."+name] = value
	}
	class, schemas, _ := strings.Cut(strings.TrimSuffix(converter, ")"), "(schemas.enable=")
	parts := []string{"key", "value"}
	if schemas != "" {
		parts = append(parts, "header")
	}
	for _, part := range parts {
		options[part+".converter"] = class
		options[part+".converter.schemas.enable"] = schemas
	}
	return base(options)
}

func sameMapping(t *testing.T, name string, options map[string]string, want router.Mapping) {
	t.Helper()
	result := imported(t, options)
	cfg, err := config.Parse(name, result.YAML)
	if err != nil {
		t.Errorf("%v\n%s", err, result.YAML)
		return
	}
	got := wiring.Mapping(cfg)
	for _, m := range []*router.Mapping{&got, &want} { // what is not of the connector
		m.MaxBytes, m.Allow, m.DeadLetter = 0, nil, nil
	}
	if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != w {
		t.Errorf("%s\n%s\ngot  %s\nwant %s", name, result.YAML, g, w)
	}
}
