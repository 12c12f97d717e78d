package e2e_test

import (
	"os"
	"testing"
)

// Row 17: a disk that is full or read-only is nothing to a relay that writes no file:
// not where it was started, not in the home folder, not among the temporary ones, not
// when it is killed either.
func TestRow17_NoStateOnDisk(t *testing.T) {
	t.Parallel()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	f, folder := newFixture(t, nil), t.TempDir()
	for range 2 {
		p := launchIn(t, folder, binary, "run", "-c", f.file)
		p.ready(t)
		f.db.Exec(t, insert("k", 1), insert("k", 2))
		f.confirmed(t, p)
		p.kill(t)
		f.released(t)
	}
	left, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range left {
		t.Errorf("it wrote %s", file.Name())
	}
}
