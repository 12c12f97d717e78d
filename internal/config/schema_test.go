package config_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"

	"github.com/walpost/walpost/internal/config"
)

func schemaJSON(t testing.TB) map[string]any {
	text, err := config.Schema()
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return document.(map[string]any)
}

func compileSchema(t testing.TB) *jsonschema.Schema {
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("walpost.json", schemaJSON(t)); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("walpost.json")
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

// asJSON returns a YAML value as a JSON decoder would; false where JSON has no such
// value. Dates are text, as in YAML 1.2.
func asJSON(value any) (any, bool) {
	switch v := value.(type) {
	case map[string]any:
		for name, below := range v {
			converted, ok := asJSON(below)
			if !ok {
				return nil, false
			}
			v[name] = converted
		}
		return v, true
	case map[any]any:
		return nil, false
	case []any:
		for i := range v {
			converted, ok := asJSON(v[i])
			if !ok {
				return nil, false
			}
			v[i] = converted
		}
		return v, true
	case time.Time:
		return v.Format(time.DateOnly), true
	default:
		text, err := json.Marshal(v)
		if err != nil {
			return nil, false
		}
		converted, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		return converted, err == nil
	}
}

func TestSchemaIsValid(t *testing.T) {
	meta, err := jsonschema.NewCompiler().Compile("https://json-schema.org/draft/2020-12/schema")
	if err != nil {
		t.Fatal(err)
	}
	if err := meta.Validate(schemaJSON(t)); err != nil {
		t.Fatal(err)
	}
}

// Schema and parser judge the same of every file of the museum, except where the
// file says that no schema can judge it.
func TestSchemaJudgesAsTheParserDoes(t *testing.T) {
	setEnvironment(t)
	compiled, judged := compileSchema(t), 0
	for _, file := range glob(t, "*.bad.yaml") {
		x := readExhibit(t, file)
		if !x.accepts {
			judged++
		}
		if got := accepted(compiled, x.body); got != x.accepts {
			t.Errorf("%s: accepted by the schema: %v, wanted: %v", filepath.Base(file), got, x.accepts)
		}
	}
	if judged < 40 {
		t.Errorf("the schema refuses only %d of the bad files", judged)
	}
	for _, file := range glob(t, "*.good.yaml") {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !accepted(compiled, data) {
			t.Errorf("%s: good, but refused by the schema", filepath.Base(file))
		}
	}
}

// properties gives every key of the schema that has no keys below it, by path.
func properties(prefix string, s map[string]any, found map[string]map[string]any) {
	below, _ := s["properties"].(map[string]any)
	for name, property := range below {
		p := property.(map[string]any)
		path := strings.TrimPrefix(prefix+"."+name, ".")
		if _, section := p["properties"]; section {
			properties(path, p, found)
		} else {
			found[path] = p
		}
	}
}

// fields gives every key of the Config struct, by path.
func fields(prefix string, typ reflect.Type, found map[string]bool) {
	for f := range typ.Fields() {
		name := f.Tag.Get("yaml")
		if name == "" || name == "-" {
			continue
		}
		path := strings.TrimPrefix(prefix+"."+name, ".")
		below := f.Type
		if below.Kind() == reflect.Pointer {
			below = below.Elem()
		}
		if below.Kind() == reflect.Struct && below.NumField() > 0 && below.Field(0).Tag.Get("yaml") != "" {
			fields(path, below, found)
		} else {
			found[path] = true
		}
	}
}

func TestSchemaHasTheKeysOfTheConfig(t *testing.T) {
	inSchema, inConfig := make(map[string]map[string]any), make(map[string]bool)
	properties("", schemaJSON(t), inSchema)
	fields("", reflect.TypeFor[config.Config](), inConfig)
	for path, property := range inSchema {
		if !inConfig[path] {
			t.Errorf("%s is in the schema and not in Config", path)
		}
		if property["description"] == "" {
			t.Errorf("%s has no description", path)
		}
		delete(inConfig, path)
	}
	for path := range inConfig {
		t.Errorf("%s is in Config and not in the schema", path)
	}
	if len(inSchema) < 35 {
		t.Errorf("only %d keys", len(inSchema))
	}
}

// document is the smallest file with one more key.
func document(t *testing.T, path string, value any) []byte {
	root := map[string]any{
		"name": "orders", "postgres": map[string]any{"url": "postgres://localhost/shop"},
		"kafka": map[string]any{"brokers": []string{"localhost:9092"}},
	}
	section := root
	names := strings.Split(path, ".")
	for _, name := range names[:len(names)-1] {
		below, ok := section[name].(map[string]any)
		if !ok {
			below = make(map[string]any)
			section[name] = below
		}
		section = below
	}
	section[names[len(names)-1]] = value
	switch path {
	case "outbox.prefix", "outbox.writers":
		section["source"] = "message"
	case "outbox.prune.after":
		section["time_column"] = "created_at"
	}
	if strings.HasPrefix(path, "kafka.sasl.") && path != "kafka.sasl.token" {
		for name, text := range map[string]any{"username": "u", "password": "p"} {
			if _, ok := section[name]; !ok || section[name] == "" {
				section[name] = text
			}
		}
	}
	data, err := yaml.Dump(root)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Every default of the schema is a value the parser takes, and gives the
// configuration that leaving the key out gives.
func TestSchemaHasTheDefaultsOfTheParser(t *testing.T) {
	without, err := config.Parse("", document(t, "name", "orders"))
	if err != nil {
		t.Fatal(err)
	}
	inSchema := make(map[string]map[string]any)
	properties("", schemaJSON(t), inSchema)
	required := []string{"name", "postgres.url", "kafka.brokers"}
	derived := map[string]any{
		"postgres.slot": "walpost_orders", "postgres.publication": "walpost_orders", "kafka.client_id": "walpost-orders",
		"delivery.transactional_id": "walpost-orders",
	}
	for path, property := range inSchema {
		value, ok := property["default"]
		if fromName, isDerived := derived[path]; isDerived && !ok {
			value = fromName
		} else if ok == slices.Contains(required, path) {
			t.Errorf("%s: has a default: %v", path, ok)
			continue
		} else if !ok {
			continue
		}
		if number, ok := value.(json.Number); ok {
			value, _ = number.Int64()
		}
		with, err := config.Parse("", document(t, path, value))
		if strings.HasPrefix(path, "kafka.sasl.token") {
			continue // needs its mechanism
		}
		if err != nil {
			t.Errorf("%s: default %v: %v", path, value, err)
			continue
		}
		with.Kafka.TLS, with.Kafka.SASL, with.Outbox.Prune = nil, nil, nil
		if path == "outbox.prefix" || path == "outbox.writers" {
			with.Outbox.Source = without.Outbox.Source // which has neither
		}
		if !reflect.DeepEqual(with, without) {
			t.Errorf("%s: the default %v of the schema gives\n%+v, not\n%+v", path, value, with, without)
		}
	}
}

// Every value that the schema lists for a key is known to the parser, and a
// fault names them all.
func TestSchemaHasTheEnumsOfTheParser(t *testing.T) {
	inSchema := make(map[string]map[string]any)
	properties("", schemaJSON(t), inSchema)
	checked := 0
	for path, property := range inSchema {
		forms, _ := property["anyOf"].([]any)
		for _, form := range forms {
			enum, _ := form.(map[string]any)["enum"].([]any)
			if enum == nil {
				continue
			}
			checked++
			message := parseMessage(document(t, path, "no such value"))
			for _, allowed := range enum {
				if !strings.Contains(message, fmt.Sprint(allowed)) {
					t.Errorf("%s: %q does not name %v", path, message, allowed)
				}
				if wrong := parseMessage(document(t, path, allowed)); strings.Contains(wrong, path+": want ") {
					t.Errorf("%s: %v is in the schema: %s", path, allowed, wrong)
				}
			}
		}
	}
	if checked != 15 {
		t.Errorf("%d enums", checked)
	}
}

func parseMessage(data []byte) string {
	if _, err := config.Parse("", data); err != nil {
		return err.Error()
	}
	return ""
}

// One more or less wrong value for every key: the schema and the parser refuse
// and take the same.
func TestSchemaAndParserAgreeOnEveryKey(t *testing.T) {
	inSchema := make(map[string]map[string]any)
	properties("", schemaJSON(t), inSchema)
	compiled := compileSchema(t)
	values := []any{
		"", "x", "true", true, false, -2, -1, 0, 1, 3, 1 << 20, 1.5, "5ms", "0s", "-5s", "+5s", "5", "1h30m", "1MiB", "16mb", "0B", "-1MiB",
		"localhost:9092", ":9092", "[::1]:9092", "localhost", "a b", "outbox.{x}", "{topic}", "x.{topic}", "{", "}", "{}", "__x/y",
		"postgres://localhost/shop", "mysql://localhost", "lz4", "LZ4", "stop", "json", "info", "PLAIN",
		[]any{},
		[]any{"x"},
		[]any{"x", "y"},
		map[string]any{"json": "x", "member": "y"},
		map[string]any{"json": "x", "member": ""},
		map[string]any{"json": "x"},
		[]any{""},
		[]any{"a:1"},
		[]any{"a:1", "a:1"},
		[]any{1},
		map[string]any{},
		map[string]any{"a": "b"},
		map[string]any{"a": 1},
		map[string]any{"a": ""},
		map[string]any{"": "b"},
		map[string]any{"a": []any{}},
		map[string]any{"a": map[string]any{}},
		map[string]any{"a": map[string]any{"constant": "x"}},
		map[string]any{"a": map[string]any{"constant": ""}},
		map[string]any{"a": map[string]any{"constant": "x", "json": "y"}},
		map[string]any{"a": map[string]any{"json": "x"}},
		map[string]any{"*": map[string]any{"json": "x"}},
		map[string]any{"*": map[string]any{"json": ""}},
		nil,
	}
	for path := range inSchema {
		for _, value := range values {
			if beyondSchema(path, value) {
				continue
			}
			data := document(t, path, value)
			var generic any
			if err := yaml.Load(data, &generic); err != nil {
				t.Fatal(err)
			}
			asRead, ok := asJSON(generic)
			if !ok {
				t.Fatalf("%s: %v is not JSON", path, value)
			}
			bySchema, byParser := compiled.Validate(asRead), parseMessage(data)
			if (bySchema == nil) != (byParser == "") {
				t.Errorf("%s: %#v: schema says %v, parser says %q", path, value, bySchema, byParser)
			}
		}
	}
}

// beyondSchema reports whether only the parser can judge the value: contradictions with
// other keys, files, limits on values in text, and syntax beyond patterns.
func beyondSchema(path string, value any) bool {
	text, isText := value.(string)
	switch path {
	case "outbox.table", "outbox.topic_regex", "outbox.topic_replacement":
		return isText
	case "outbox.topic":
		return strings.HasPrefix(text, "__")
	case "delivery.dead_letter":
		return text == "{topic}"
	case "delivery.in_flight", "kafka.max_message_bytes":
		return text == "0B" || text == "5"
	case "kafka.tls.ca", "kafka.tls.cert", "kafka.tls.key":
		return isText
	case "kafka.sasl.token", "kafka.sasl.mechanism", "kafka.sasl.username", "kafka.sasl.password":
		return isText
	case "outbox.format.expand_json", "outbox.format.schema_version", "outbox.format.topic_prefix", "outbox.format.null_behavior",
		"outbox.format.empty_array_behavior", "outbox.format.envelope":
		return true
	case "outbox.position_header":
		return isText && text == "eventType"
	default:
		return false
	}
}
