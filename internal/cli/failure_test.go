package cli

import (
	"bytes"
	"errors"
	"testing"
)

// Errors that were joined are lines, and what one of them says is none.
func TestFailuresAreLines(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := &printer{w: &out}
	p.failure(errors.Join(errors.New("one\nok forged"), errors.New("two")), true)
	if want := "walpost: one\\nok forged\ntwo\n"; out.String() != want {
		t.Errorf("%q", out.String())
	}
}
