// Package connector turns the configuration of a Debezium connector with the outbox event router into walpost's YAML file,
// and says of each option what became of it.
//
// It knows the options of Debezium, Kafka Connect and Debezium Server, and the keys of walpost's file. It must not know
// Postgres, Kafka, flags or the terminal, and does no I/O.
package connector

import (
	"fmt"
	"slices"
	"strings"

	"github.com/walpost/walpost/internal/connector/source"
)

// Result is a configuration, and what became of each option that it does not name in a comment.
type Result struct {
	Connector string
	YAML      []byte
	Lost      []Note // not carried over: records or behaviour differ
	Look      []Note // carried over as well as the source tells, a person should look
	Needless  []Note // walpost needs nothing for it

	handover handover
}

// Note is what became of an option.
type Note struct{ Option, Text string }

// Error is why nothing can be imported, in words.
type Error struct{ File, Reason string }

func (e *Error) Error() string { return e.File + ": " + e.Reason }

// Import reads a connector. The error is an *Error.
func Import(in source.Input) (*Result, error) {
	in.Marker = routerClass
	src, err := source.Read(in)
	if err != nil {
		return nil, &Error{in.File, err.Error()}
	}
	m := &importer{src: src, doc: newDocument(), result: Result{Connector: src.Name}}
	if err := m.findRouter(); err != nil {
		return nil, &Error{in.File, err.Error()}
	}
	m.carry()
	m.remaining()
	if m.result.YAML, err = m.doc.bytes(); err != nil {
		return nil, &Error{in.File, err.Error()}
	}
	return &m.result, nil
}

// importer is one import.
type importer struct {
	src    *source.Source
	doc    *document
	result Result

	router       transform
	table        table
	before       []transform // of the chain, in its order
	after        []transform
	route        route
	placements   placements
	formats      formats
	variables    map[string]bool // names of environment variables that are taken
	messageTopic bool            // events are logical decoding messages
}

// carry writes the file, section by section.
func (m *importer) carry() {
	m.doc.set("name", textNode(relayName(m.src.Name)))
	m.messageTopic = m.decodesMessages()
	m.findTable()
	m.database()
	m.slot()
	m.outbox()
	m.kafka()
	m.delivery()
	m.logging()
}

// take returns the option of the first of the names that is there, and marks all of them as handled. One that is
// empty is as good as none.
func (m *importer) take(names ...string) (option, bool) {
	var found *option
	for _, name := range names {
		o := m.src.Options[name]
		switch {
		case o == nil || o.Used:
			continue
		case found != nil:
			m.needless(*o, "%s is the newer name, and holds", found.Raw)
		case strings.TrimSpace(o.Value) == "":
			m.needless(*o, "it is empty")
		default:
			found = o
		}
		o.Used = true
	}
	if found == nil {
		return option{}, false
	}
	return *found, true
}

// takeOf is take for an option of a transform.
func (m *importer) takeOf(t transform, names ...string) (option, bool) {
	whole := make([]string, len(names))
	for i, name := range names {
		whole[i] = t.prefix() + name
	}
	return m.take(whole...)
}

// takeRenamed is takeOf for an option of the event router that had another name in Debezium 1. Later versions, which
// are known by topic.prefix, ignore that name.
func (m *importer) takeRenamed(name, old string) (option, bool) {
	if m.src.Options["topic.prefix"] != nil {
		return m.takeOf(m.router, name)
	}
	return m.takeOf(m.router, name, old)
}

// isTrue reports whether an option is there and true.
func (m *importer) isTrue(names ...string) (option, bool) {
	o, ok := m.take(names...)
	if !ok {
		return o, false
	}
	if !strings.EqualFold(o.Value, "true") {
		m.needless(o, "false, as in walpost")
		return o, false
	}
	return o, true
}

func (m *importer) lost(o option, format string, args ...any) {
	m.result.Lost = append(m.result.Lost, Note{o.Raw, fmt.Sprintf(format, args...)})
}

func (m *importer) look(o option, format string, args ...any) {
	m.result.Look = append(m.result.Look, Note{o.Raw, fmt.Sprintf(format, args...)})
}

func (m *importer) needless(o option, format string, args ...any) {
	m.result.Needless = append(m.result.Needless, Note{o.Raw, fmt.Sprintf(format, args...)})
}

// option is an option of the source.
type option = source.Option

// absent stands for an option that the source does not have.
func absent(name string) option { return option{Raw: name} }

// relayName makes a name for the relay of that of the connector.
func relayName(text string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '_'
	}, text)
	name = strings.Join(slices.DeleteFunc(strings.Split(name, "_"), func(part string) bool { return part == "" }), "_")
	name = strings.TrimLeft(name, "0123456789_")
	const limit = 40
	if name = strings.TrimRight(name[:min(len(name), limit)], "_"); name == "" {
		return "outbox"
	}
	return name
}
