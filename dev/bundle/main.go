// Program bundle copies packages that walpost shares with the modules under pkg/ into
// these modules, so that they require no other module for them:
//
//	go run ./dev/bundle
//
// A module whose packages import MODULE/internal/NAME gets a copy of the project's internal/NAME, if
// there is such a package, and of what that imports. A copy that nothing imports any more
// is deleted.
package main

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

func main() {
	if err := run("."); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "bundle:", err)
		os.Exit(1) //nolint:forbidigo // the end of main
	}
}

// run makes the copies in the tree at root what they are to be.
func run(root string) error {
	want, have, err := compare(root)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(have)) {
		if _, wanted := want[name]; !wanted {
			if err := os.Remove(filepath.Join(root, name)); err != nil {
				return err
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if bytes.Equal(want[name], have[name]) {
			continue
		}
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // source is for all to read
			return err
		}
		if err := os.WriteFile(path, want[name], 0o644); err != nil { //nolint:gosec // the same
			return err
		}
	}
	return nil
}

// compare returns the copies that the tree is to have, and those that it has.
func compare(root string) (want, have map[string][]byte, err error) {
	modules, err := modulesOf(root)
	if err != nil {
		return nil, nil, err
	}
	if want, err = bundles(root, modules); err != nil {
		return nil, nil, err
	}
	have, err = written(root, modules)
	return want, have, err
}
