package connector_test

import (
	"os"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/walpost/walpost/internal/connector"
	"github.com/walpost/walpost/internal/connector/source"
)

// Whatever the file is, the import ends with an error or with YAML.
func FuzzImport(f *testing.F) {
	for _, file := range []string{"several_tables.json", "producer_overrides.json", "server.properties", "strimzi.yaml"} {
		data, err := os.ReadFile(museum + file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data), "bootstrap.servers=a:1\nproducer.acks=1\n")
	}
	f.Fuzz(func(t *testing.T, text, worker string) {
		result, err := connector.Import(source.Input{File: "x", Data: []byte(text), Worker: []byte(worker)})
		if err != nil {
			return
		}
		var document map[string]any
		if err := yaml.Load(result.YAML, &document); err != nil {
			t.Errorf("%v\n%s", err, result.YAML)
		}
	})
}
