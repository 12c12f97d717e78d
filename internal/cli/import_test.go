package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const museumOfConnectors = "../../testdata/import/"

func TestImportCarriesEverything(t *testing.T) {
	t.Parallel()
	output := filepath.Join(t.TempDir(), "orders.yaml")
	args := []string{
		"import", museumOfConnectors + "with_worker.properties", "--worker", museumOfConnectors + "with_worker.worker", "-o", output,
	}
	r := walpost(t, args...)
	r.want(t, 0, "Needs no key of walpost:", "From the connector to walpost:", "walpost run -c "+output, "And back:")
	if r.out != "" {
		t.Errorf("standard output: %s", r.out)
	}
	yaml, err := os.ReadFile(output)
	if err != nil || !strings.Contains(string(yaml), "slot: w # slot.name") {
		t.Errorf("%v\n%s", err, yaml)
	}
	walpost(t, args...).want(t, 2, output+" is there already")
	if again, err := os.ReadFile(output); err != nil || string(again) != string(yaml) {
		t.Errorf("the file was written again: %v", err)
	}
}

func TestImportNamesWhatIsLost(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile(museumOfConnectors + "several_tables.json")
	if err != nil {
		t.Fatal(err)
	}
	r := walpostWith(t, string(file), "import", "-")
	r.want(t, 6, "Not carried over:", "transforms.enrich.*: ", "DATABASE_PASSWORD")
	if !strings.Contains(r.out, "table: public.outbox # table.include.list") || strings.Contains(r.out, "Not carried") {
		t.Errorf("standard output: %s", r.out)
	}
	if strings.Contains(r.out+r.err, "hunter2") {
		t.Error("a secret is shown")
	}
}

func TestImportRefusesWhatIsNoOutboxConnector(t *testing.T) {
	t.Parallel()
	walpost(t, "import").want(t, 2, "needs the configuration of a connector")
	walpost(t, "import", "/nowhere/connector.json").want(t, 2, "/nowhere/connector.json")
	walpost(t, "import", "a", "b").want(t, 2, "accepts at most 1 arg")
	walpostWith(t, "", "import", "-").want(t, 2, "standard input: is empty")
	walpostWith(t, `{"transforms": "unwrap", "database.password": "canary"}`, "import", "-").want(t, 2, "standard input: no transform is ")
}
