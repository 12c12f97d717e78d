package config_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/walpost/walpost/internal/config"
)

func TestKeysOfRecords(t *testing.T) {
	for text, want := range map[string]config.Key{
		`""`: {}, "entity": {Column: "entity"}, "[tenant, entity]": {Columns: []string{"tenant", "entity"}},
		"{json: headers, member: PARTITION_ID}": {JSON: "headers", Member: "PARTITION_ID"},
	} {
		const before = "name: orders\npostgres: {url: \"postgres://walpost@localhost/shop\"}\nkafka: {brokers: [\"localhost:9092\"]}\n"
		cfg, err := config.Parse("walpost.yaml", []byte(before+"outbox: {key: "+text+"}\n"))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if !reflect.DeepEqual(cfg.Outbox.Key, want) || cfg.Outbox.Key.None() != (text == `""`) {
			t.Errorf("%s: %+v", text, cfg.Outbox.Key)
		}
		var printed strings.Builder
		if err := config.Print(&printed, cfg); err != nil {
			t.Fatal(err)
		}
		if again, err := config.Parse("walpost.yaml", []byte(printed.String())); err != nil || !reflect.DeepEqual(again, cfg) {
			t.Errorf("%s is printed as\n%s: %v", text, printed.String(), err)
		}
	}
}
