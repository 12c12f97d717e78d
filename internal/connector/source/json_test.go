package source_test

import (
	"slices"
	"testing"

	"github.com/walpost/walpost/internal/connector/source"
)

func TestFormsOfKafkaConnect(t *testing.T) {
	t.Parallel()
	const config = `{"name": "orders", "t": "` + router + `", "tasks.max": 1, "tombstones.on.delete": false, "nothing": null}`
	for form, text := range map[string]string{
		"config":        config,
		"connector":     `{"name": "orders", "config": ` + config + `, "tasks": [], "type": "source"}`,
		"expand=info":   `{"x": {"info": {"name": "x", "config": {}}}, "orders": {"info": {"name": "orders", "config": ` + config + `}}}`,
		"expand=both":   `{"orders": {"info": {"config": ` + config + `}, "status": {"connector": {"state": "RUNNING"}}}}`,
		"list":          `[{"name": "x", "config": {}}, {"name": "orders", "config": ` + config + `}]`,
		"by its name":   `{"orders": ` + config + `}`,
		"with a BOM":    "\ufeff" + config,
		"no name in it": `{"name": "orders", "config": {"t": "` + router + `", "tasks.max": "1", "tombstones.on.delete": "false"}}`,
	} {
		src := read(t, source.Input{Data: []byte(text)})
		values := []string{src.Name, src.Value("t"), src.Value("tasks.max"), src.Value("tombstones.on.delete")}
		if !slices.Equal(values, []string{"orders", router, "1", "false"}) {
			t.Errorf("%s: %s %v", form, src.Name, src.Options)
		}
	}
}

func TestConnectorIsNamed(t *testing.T) {
	t.Parallel()
	text := `{"a": {"config": {"t": "` + router + `", "n": "1"}}, "b": {"config": {"t": "` + router + `", "n": "2"}}}`
	if src := read(t, source.Input{Data: []byte(text), Name: "b"}); src.Value("n") != "2" || src.Name != "b" {
		t.Errorf("%+v", src)
	}
	if _, err := source.Read(source.Input{Data: []byte(text), Name: "c"}); err == nil {
		t.Error("a name that is not there is taken")
	}
}
