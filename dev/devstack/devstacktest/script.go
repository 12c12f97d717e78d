package devstacktest

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// Script creates a program from a shell script, for a test that starts it by its path. No
// process is started while the file is open for writing: a child that another test forked
// in that moment would hold it open until its own program runs, and the script would be
// "text file busy" (https://go.dev/issue/22315).
func Script(t testing.TB, body string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "script")
	syscall.ForkLock.RLock()
	err := os.WriteFile(path, []byte("#!/bin/sh\n"+body), 0o700) //nolint:gosec // it is to be run
	syscall.ForkLock.RUnlock()
	if err != nil {
		t.Fatal(err)
	}
	return path
}
