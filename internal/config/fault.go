package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Fault is one mistake in a configuration file. Its message names the key and
// the fix, and never holds a secret.
type Fault struct {
	File    string
	Line    int // from 1; 0 when the file could not be read at all
	Column  int // from 1, in characters
	Message string
}

// String returns file:line:column: message.
func (f Fault) String() string {
	if f.Line == 0 {
		return f.File + ": " + f.Message
	}
	return fmt.Sprintf("%s:%d:%d: %s", f.File, f.Line, f.Column, f.Message)
}

// Errors are all faults of the files that were read, sorted by place.
type Errors []Fault

// Error returns one fault per line.
func (e Errors) Error() string {
	lines := make([]string, 0, len(e))
	for _, f := range e {
		lines = append(lines, f.String())
	}
	return strings.Join(lines, "\n")
}

// asError sorts the faults and drops repeats; nil when there are none.
func (e Errors) asError() error {
	if len(e) == 0 {
		return nil
	}
	slices.SortStableFunc(e, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Message, b.Message))
	})
	return slices.Compact(e)
}
