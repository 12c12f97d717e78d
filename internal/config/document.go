package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

const smallest = "the smallest useful file has name, postgres.url and kafka.brokers"

// place is where something stands in a file, from 1:1.
type place struct{ line, column int }

// node is a value of the document. Where the file has an alias, the value is
// the one the anchor names and the place is that of the alias.
type node struct {
	*yaml.Node

	at place
}

func follow(n *yaml.Node) node {
	at := place{n.Line, n.Column}
	if n.Kind == yaml.AliasNode && n.Alias != nil {
		n = n.Alias
	}
	return node{n, at}
}

// parseDocument reads the one YAML document of a file. The fault has no file name.
func parseDocument(data []byte) (node, *Fault) {
	if fault := characterFault(data); fault != nil {
		return node{}, fault
	}
	loader, err := yaml.NewLoader(bytes.NewReader(data))
	if err != nil {
		return node{}, syntaxFault(data, err)
	}
	var document yaml.Node
	if err := loader.Load(&document); errors.Is(err, io.EOF) {
		return node{}, &Fault{Line: 1, Column: 1, Message: "empty file: " + smallest}
	} else if err != nil {
		return node{}, syntaxFault(data, err)
	}
	if len(document.Content) != 1 || document.Content[0].ShortTag() == "!!null" {
		return node{}, &Fault{Line: 1, Column: 1, Message: "empty file: " + smallest}
	}
	var second yaml.Node
	if err := loader.Load(&second); err == nil {
		return node{}, &Fault{
			Line: second.Line, Column: second.Column,
			Message: "a second document: one file configures one relay, and run takes several files",
		}
	} else if !errors.Is(err, io.EOF) {
		return node{}, syntaxFault(data, err)
	}
	return follow(document.Content[0]), nil
}

// characterFault finds bytes that are not UTF-8 text, for which the YAML reader
// gives no place.
func characterFault(data []byte) *Fault {
	at := place{1, 1}
	for rest := bytes.TrimPrefix(data, []byte("\ufeff")); len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)
		switch {
		case r == utf8.RuneError && size == 1:
			return &Fault{Line: at.line, Column: at.column, Message: "not UTF-8 text"}
		case unicode.IsControl(r) && !strings.ContainsRune("\t\n\r\u0085", r):
			return &Fault{Line: at.line, Column: at.column, Message: fmt.Sprintf("control character %U", r)}
		}
		at.column++
		if r == '\n' {
			at = place{at.line + 1, 1}
		}
		rest = rest[size:]
	}
	return nil
}

// syntaxFault describes an error of the YAML reader. Its own text may quote the file (the
// name of an unknown anchor is a password that begins with *), so only texts without a
// quotation are passed on.
func syntaxFault(data []byte, err error) *Fault {
	fault := &Fault{Line: 1, Column: 1, Message: "not YAML"}
	loadError, ok := errors.AsType[*yaml.LoadError](err)
	if !ok {
		return fault
	}
	if loadError.Mark.Line > 0 {
		fault.Line, fault.Column = loadError.Mark.Line, max(1, loadError.Mark.Column)
	}
	switch message := loadError.Message; {
	case strings.HasPrefix(message, "unknown anchor"):
		fault.Message = "an alias without its anchor: a value that begins with * goes in quotes"
	case strings.HasPrefix(message, "found character that cannot start any token"):
		fault.Message = "a value that begins with this character goes in quotes"
		if strings.HasPrefix(strings.TrimLeft(lineAt(data, fault.Line), " "), "\t") {
			fault.Message = "a tab cannot indent: use blanks"
		}
	case strings.HasPrefix(message, "mapping values are not allowed"):
		fault.Message = "not YAML: a : too many, or a key that is indented wrongly; a value with a colon and a blank in it goes in quotes"
	case strings.HasPrefix(message, "did not find expected"), strings.HasPrefix(message, "could not find expected"),
		strings.HasPrefix(message, "found "):
		fault.Message += ": " + message
	}
	if strings.Contains(lineAt(data, fault.Line), "${") {
		fault.Message += "; a reference ${…} between [ ] or { } goes in quotes"
	}
	return fault
}

// lineAt is a line of the file, empty when there is none.
func lineAt(data []byte, line int) string {
	lines := strings.Split(string(data), "\n")
	if line > len(lines) {
		return ""
	}
	return lines[line-1]
}

// words says what a value of the document is, without showing it.
func (n node) words() string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a section"
	case yaml.SequenceNode:
		return "a list"
	default:
	}
	switch n.ShortTag() {
	case "!!null":
		return "nothing"
	case "!!int", "!!float":
		return "a number"
	case "!!bool":
		return "true or false"
	case "!!str", "!!timestamp", "!!merge":
		return "text"
	default:
		return "a value with a tag"
	}
}
