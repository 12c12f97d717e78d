package main

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// A rule that the relay and a library share has one owner, and what is written by hand is
// written there.
func TestCopiesAreTheirSource(t *testing.T) {
	t.Parallel()
	want, have, err := compare("../..")
	if err != nil || len(want) == 0 {
		t.Fatalf("%d copies: %v", len(want), err)
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if !bytes.Equal(want[name], have[name]) {
			t.Errorf("%s is not its source. Run: go run ./dev/bundle", name)
		}
		delete(have, name)
	}
	for name := range have {
		t.Errorf("%s is a copy that nothing imports. Run: go run ./dev/bundle", name)
	}
}

// A module gets what its packages import and what that imports, without tests, and loses
// what they import no more.
func TestRunCopiesWhatIsImported(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		name = filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	wantCopies := func(names ...string) {
		t.Helper()
		if err := run(root); err != nil {
			t.Fatal(err)
		}
		have, err := written(root, []string{"pkg/m", "pkg/m/n"})
		if got := slices.Sorted(maps.Keys(have)); err != nil || !slices.Equal(got, names) {
			t.Errorf("copies %q, want %q: %v", got, names, err)
		}
	}
	const in = "import _ \"" + project
	write("internal/a/a.go", "package a\n\n"+in+"/internal/b/c\"\n")
	write("internal/a/a_test.go", "package a\n\n"+in+"/internal/d\"\n")
	write("internal/b/c/c.go", "package c\n")
	write("internal/b/c/below/below.go", "package below\n")
	write("internal/d/d.go", "package d\n")
	write("pkg/m/go.mod", "module "+project+"/pkg/m\n")
	write("pkg/m/m.go", "package m\n\n"+in+"/pkg/m/internal/a\"\n"+in+"/pkg/m/internal/own\"\n")
	write("pkg/m/internal/own/own.go", "package own\n")
	write("pkg/m/n/go.mod", "module "+project+"/pkg/m/n\n")
	write("pkg/m/n/n.go", "package n\n\n"+in+"/pkg/m/n/internal/d\"\n")
	wantCopies("pkg/m/internal/a/a.go", "pkg/m/internal/b/c/c.go", "pkg/m/n/internal/d/d.go")
	text, err := os.ReadFile(filepath.Join(root, "pkg/m/internal/a/a.go"))
	if want := header + "internal/a; DO NOT EDIT.\n\npackage a\n\n" + in + "/pkg/m/internal/b/c\"\n"; err != nil || string(text) != want {
		t.Errorf("got\n%s\nwant\n%s\n%v", text, want, err)
	}
	write("pkg/m/m.go", "package m\n")
	wantCopies("pkg/m/n/internal/d/d.go")
}
