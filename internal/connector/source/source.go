// Package source reads the configuration of a connector: JSON of Kafka Connect's REST interface, properties of a standalone
// connector, those of Debezium Server, and Strimzi's KafkaConnector. Debezium Server's options get their names in Kafka Connect.
//
// It knows forms of files. It must not know what an option means, nor walpost.
package source

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/magiconair/properties"
)

// Input is what is read.
type Input struct {
	File   string // name, for messages
	Data   []byte // a connector as JSON or properties
	Worker []byte // properties of the Connect worker, nil: not known
	Name   string // of the connector, if there are several
	// Marker is the value of an option by which the right connector of several is known.
	Marker string
}

// Option is one option of the source.
type Option struct {
	Raw   string // its name as it is written
	Value string
	Text  string // its value with the blanks around it, which count in a regular expression
	Used  bool   // for the reader: it has been said what became of it
}

// Source is one connector. Its options have the names that they have in Kafka Connect, those of its producer the prefix
// producer.
type Source struct {
	Name    string
	Server  bool // Debezium Server
	Strimzi bool // a resource of Strimzi's operator
	Options map[string]*Option
}

func newSource(name string) *Source { return &Source{Name: name, Options: map[string]*Option{}} }

func (s *Source) add(name, raw, value string) {
	s.Options[name] = &Option{Raw: raw, Value: strings.TrimSpace(value), Text: value}
}

// Value returns what an option is, "" if there is none.
func (s *Source) Value(name string) string {
	if o := s.Options[name]; o != nil {
		return o.Value
	}
	return ""
}

// Use marks an option as used.
func (s *Source) Use(name string) {
	if o := s.Options[name]; o != nil {
		o.Used = true
	}
}

// Raw returns the name of an option as it is written, or else the name.
func (s *Source) Raw(name string) string {
	if o := s.Options[name]; o != nil {
		return o.Raw
	}
	return name
}

// Names returns the names with the prefix, sorted.
func (s *Source) Names(prefix string) []string {
	names := slices.Sorted(maps.Keys(s.Options))
	return slices.DeleteFunc(names, func(name string) bool { return !strings.HasPrefix(name, prefix) })
}

// Read reads a connector, and what its worker adds. Errors quote no value.
func Read(in Input) (*Source, error) {
	src, err := readConnector(in)
	if err != nil || in.Worker == nil {
		return src, err
	}
	worker, err := parseProperties(in.Worker)
	if err != nil {
		return nil, fmt.Errorf("the worker's properties: %w", err)
	}
	src.addWorker(worker)
	return src, nil
}

func readConnector(in Input) (*Source, error) {
	text := strings.TrimSpace(strings.TrimPrefix(string(in.Data), "\ufeff"))
	switch {
	case text == "":
		return nil, errors.New("is empty: want a connector's configuration as JSON or properties")
	case text[0] == '{' || text[0] == '[' || strings.HasSuffix(in.File, ".json"):
		return readJSON([]byte(text), in)
	}
	if strimzi.MatchString(text) {
		return readStrimzi([]byte(text))
	}
	options, err := parseProperties([]byte(text))
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(slices.Collect(maps.Keys(options)), func(name string) bool { return strings.HasPrefix(name, "debezium.") }) {
		return serverSource(options), nil
	}
	src := newSource(options["name"])
	for name, value := range options {
		src.add(name, name, value)
	}
	return src, nil
}

// parseProperties reads a properties file of Java. References stay as they are.
func parseProperties(data []byte) (map[string]string, error) {
	loader := properties.Loader{Encoding: properties.UTF8, DisableExpansion: true}
	parsed, err := loader.LoadBytes(bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))) // it continues no line that ends with both
	if err != nil {
		return nil, errors.New("is neither JSON, a properties file nor a KafkaConnector") // the error may quote a secret
	}
	return parsed.Map(), nil
}

// addWorker adds what holds for every connector of a worker: brokers, producer settings, and each converter that the
// connector does not name.
func (s *Source) addWorker(worker map[string]string) {
	for _, part := range []string{"key", "value", "header"} {
		class := part + ".converter"
		if s.Options[class] != nil || worker[class] == "" {
			continue
		}
		for name, value := range worker {
			if name == class || strings.HasPrefix(name, class+".") {
				s.add(name, name+" of the worker", value)
			}
		}
	}
	for name, value := range worker {
		if _, producer := strings.CutPrefix(name, ProducerPrefix); (producer || name == BootstrapServers) && s.Options[name] == nil {
			s.add(name, name+" of the worker", value)
		}
	}
}

// What the options of a producer are called here, wherever they come from.
const (
	ProducerPrefix   = "producer."
	BootstrapServers = "bootstrap.servers"
)

// serverSource gives the options of Debezium Server the names of Kafka Connect.
func serverSource(options map[string]string) *Source {
	src := newSource(options["debezium.source.name"])
	src.Server = true
	if src.Name == "" {
		src.Name = options["debezium.source.topic.prefix"]
	}
	for raw, value := range options {
		name := raw
		for _, of := range []struct{ server, connect string }{
			{"debezium.source.", ""},
			{"debezium.sink.kafka.producer.", ProducerPrefix},
			{"debezium.transforms", "transforms"},
			{"debezium.predicates", "predicates"},
		} {
			if rest, ok := strings.CutPrefix(raw, of.server); ok {
				name = of.connect + rest
				break
			}
		}
		src.add(name, raw, value)
	}
	return src
}
