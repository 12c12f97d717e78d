package devstack

import (
	"os/exec"
	"strings"
	"testing"
)

// A Java that cannot write an archive runs brokers without one, and is not asked again.
func TestJavaWithoutAnArchive(t *testing.T) {
	t.Setenv(CacheEnv, t.TempDir())
	java, err := exec.LookPath("false")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []int{1, 0} {
		var said strings.Builder
		flags, err := archiveFlags(t.Context(), java, t.TempDir(), &said)
		if err != nil || flags != nil {
			t.Errorf("flags %q, error %v, want none", flags, err)
		}
		if n := strings.Count(said.String(), "without an archive"); n != want {
			t.Errorf("said %q, want %d lines of an archive that could not be written", said.String(), want)
		}
	}
}
