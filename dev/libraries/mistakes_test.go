package libraries_test

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The compiler refuses each line that is marked in testdata/mistakes, and no other.
func TestMistakesDoNotCompile(t *testing.T) {
	t.Parallel()
	const folder = "testdata/mistakes"
	source, err := os.ReadFile(folder + "/mistakes.go")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for i, line := range strings.Split(string(source), "\n") {
		if strings.HasSuffix(line, "// must not compile") {
			want = append(want, fmt.Sprint(i+1))
		}
	}
	out, err := exec.CommandContext(t.Context(), "go", "build", "-gcflags=-e", "./"+folder).CombinedOutput()
	if err == nil {
		t.Fatal("all of it compiles")
	}
	var got []string
	for _, place := range regexp.MustCompile(`(?m)mistakes\.go:(\d+):`).FindAllStringSubmatch(string(out), -1) {
		got = append(got, place[1])
	}
	if got = slices.Compact(got); !slices.Equal(got, want) {
		t.Errorf("refused are the lines %v, want %v:\n%s", got, want, out)
	}
}
