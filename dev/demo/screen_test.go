package main

import (
	"bytes"
	"testing"
	"time"
)

func TestPlainScreenHasWholeLinesOnly(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	s := newScreen(&out)
	s.say("%s", s.bold("heading"))
	s.redraw("first")
	s.redraw("too soon for a line of its own")
	s.say("between")
	s.settle("last")
	s.plain = time.Time{} // long ago
	s.redraw("same")
	s.settle("same")
	s.freeze()
	if got, want := out.String(), "heading\nfirst\nbetween\nlast\nsame\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTerminalRedrawsTheLineBelow(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	s := &screen{w: &out, terminal: true, colour: true}
	s.redraw("1")
	s.say("%s", s.red("killed"))
	s.redraw("2")
	s.freeze()
	want := clearLine + "1" + clearLine + "\x1b[31mkilled\x1b[0m\n1" + clearLine + "2\n"
	if got := out.String(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestNumber(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -999: "-999", -123456: "-123,456"} {
		if got := number(n); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
