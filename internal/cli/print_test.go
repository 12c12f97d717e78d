package cli

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/walpost/walpost/internal/preflight"
)

func TestBytesText(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 16777216: "16.0 MiB", 3 << 40: "3.0 TiB"} {
		if got := bytesText(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

func TestAFileIsNoTerminal(t *testing.T) {
	t.Parallel()
	f, err := os.Create(t.TempDir() + "/out")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if isTerminal(f) || isTerminal(&bytes.Buffer{}) {
		t.Error("taken for a terminal")
	}
}

func someChecks() checked {
	return checked{Relay: "orders", State: preflight.Failed, Requirements: []finding{
		{Of: "postgres", Requirement: preflight.Requirement{Name: "wal_level", State: preflight.OK, Detail: "logical"}},
		{Of: "postgres", Requirement: preflight.Requirement{
			Name: "table", State: preflight.Failed, Detail: "public.outbox does not exist",
			Fix: "CREATE TABLE public.outbox (\n    id uuid\n)",
		}},
	}}
}

// A program gets one line per requirement, whatever is in it.
func TestPlainChecksAreOneLineEach(t *testing.T) {
	t.Parallel()
	var w bytes.Buffer
	p := &printer{w: &w}
	p.checked(someChecks(), true)
	want := "orders: ok postgres wal_level: logical\n" +
		"orders: failed postgres table: public.outbox does not exist; fix: CREATE TABLE public.outbox ( id uuid )\n"
	if w.String() != want || p.err != nil {
		t.Errorf("%q", w.String())
	}
}

func TestChecksForPeople(t *testing.T) {
	t.Setenv("NO_COLOR", "")
	var w bytes.Buffer
	p := &printer{w: &w, human: true}
	p.checked(someChecks(), false)
	for _, text := range []string{
		"\x1b[1morders\x1b[0m\n", "\x1b[32mok     \x1b[0m postgres wal_level", "\x1b[31mfailed \x1b[0m", "CREATE TABLE public.outbox (\n",
	} {
		if !strings.Contains(w.String(), text) {
			t.Errorf("no %q in %q", text, w.String())
		}
	}
	t.Setenv("NO_COLOR", "1")
	w.Reset()
	p.checked(someChecks(), false)
	if strings.Contains(w.String(), "\x1b") {
		t.Errorf("coloured under NO_COLOR: %q", w.String())
	}
}
