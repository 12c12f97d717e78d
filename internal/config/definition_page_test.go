package config_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/walpost/walpost/internal/config"
)

// TestPage keeps docs/configuration.md in step with the definition.
func TestPage(t *testing.T) {
	const file = "../../docs/configuration.md"
	smallest, err := os.ReadFile(museum + "smallest.good.yaml")
	if err != nil {
		t.Fatal(err)
	}
	faulty := readExhibit(t, museum+"misspelt_keys.bad.yaml").body
	faults := faultsOf(t, "orders.yaml", faulty)
	var defaults bytes.Buffer
	if err := config.Print(&defaults, load(t, "smallest.good.yaml")); err != nil {
		t.Fatal(err)
	}
	want := config.Page(string(smallest), defaults.String(), string(faulty), faults.Error())
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is not what the definition says: run go test ./internal/config -update", file)
	}
	if strings.Contains(want, "| `` |") {
		t.Error("a key without a default that is not required")
	}
}

func BenchmarkLoad(b *testing.B) {
	data, err := os.ReadFile(museum + "smallest.good.yaml")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := config.Parse("f", data); err != nil {
			b.Fatal(err)
		}
	}
}
