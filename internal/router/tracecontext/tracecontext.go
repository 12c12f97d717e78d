// Package tracecontext reads the W3C trace context that a writer left with its event: a traceparent alone, the text of
// java.util.Properties that Debezium's writers store, or a JSON object.
//
// It knows these three forms. It must not know records.
package tracecontext

import (
	"bytes"

	"github.com/walpost/walpost/internal/router/jsontext"
)

// Names of the two parts, in all forms and as headers.
const (
	Parent = "traceparent"
	State  = "tracestate"
)

// Context is a trace context. Nil: there is none, or no state.
type Context struct{ Parent, State []byte }

// Reader reads contexts. It reuses its memory: a context is valid until the next one is read.
type Reader struct {
	scratch []byte
	scanner jsontext.Scanner
	found   Context
	take    func(*jsontext.Scanner, []byte) // member, made once
}

// Read returns the context in a text. What is no valid context is none, as W3C wants of it: that a trace is broken must
// not hold an event back.
func (r *Reader) Read(text []byte) Context {
	r.found, r.scratch = Context{}, r.scratch[:0]
	switch text = bytes.TrimSpace(text); {
	case bytes.HasPrefix(text, []byte("{")):
		r.object(text)
	case valid(text):
		r.found.Parent = text
	default:
		r.properties(text)
	}
	if !valid(r.found.Parent) {
		return Context{}
	}
	if len(r.found.State) == 0 {
		r.found.State = nil
	}
	return r.found
}

// object reads the members of a JSON object.
func (r *Reader) object(text []byte) {
	if r.take == nil {
		r.take = func(s *jsontext.Scanner, name []byte) {
			value, _ := s.Value()
			r.set(name, value)
		}
	}
	r.scanner = jsontext.New(text, r.scratch)
	r.scanner.Object(r.take)
	r.scratch = r.scanner.Scratch()
	if r.scanner.Fault() != "" {
		r.found = Context{}
	}
}

// set notes a part; the last one of a name counts.
func (r *Reader) set(name, value []byte) {
	switch string(name) {
	case Parent:
		r.found.Parent = value
	case State:
		r.found.State = value
	}
}

// Lengths of a traceparent of version 00: version, trace id, parent id and flags, each in hexadecimal.
const (
	versionLen = 2
	traceLen   = 32
	spanLen    = 16
	flagsLen   = 2
	parentLen  = versionLen + 1 + traceLen + 1 + spanLen + 1 + flagsLen
)

// valid reports whether a text is a traceparent. One of a later version may have more at its end.
func valid(text []byte) bool {
	if len(text) < parentLen || text[versionLen] != '-' {
		return false
	}
	version, rest := text[:versionLen], text[versionLen+1:parentLen]
	trace, span, flags := rest[:traceLen], rest[traceLen+1:traceLen+1+spanLen], rest[traceLen+spanLen+2:]
	if rest[traceLen] != '-' || rest[traceLen+1+spanLen] != '-' {
		return false
	}
	if !isHex(version) || !isHex(trace) || !isHex(span) || !isHex(flags) || string(version) == "ff" || isZero(trace) || isZero(span) {
		return false
	}
	return len(text) == parentLen || string(version) != "00" && text[parentLen] == '-'
}

func isHex(text []byte) bool {
	for _, c := range text {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

func isZero(text []byte) bool { return len(bytes.Trim(text, "0")) == 0 }
