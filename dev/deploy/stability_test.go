package deploy_test

import (
	"bytes"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/walpost/walpost/internal/cli"
)

// docs/stability.md lists the metrics that /metrics has, and no others.
func TestStabilityNamesEveryMetric(t *testing.T) {
	t.Parallel()
	want := map[string]bool{}
	for name := range metricNames(t) {
		if cut, ok := strings.CutSuffix(name, "_bucket"); ok {
			want[cut] = true
		} else if strings.HasPrefix(name, "walpost_") && !strings.HasSuffix(name, "_seconds_sum") &&
			!strings.HasSuffix(name, "_seconds_count") {
			want[name] = true
		}
	}
	got := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(walpost_[a-z_]+)` \\|").FindAllStringSubmatch(read(t, "docs/stability.md"), -1) {
		got[m[1]] = true
	}
	if !maps.Equal(got, want) {
		t.Errorf("docs/stability.md has the metrics\n%v\nwant\n%v", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
	}
}

// Each command of walpost has examples in its help, and a line in the README.
func TestREADMENamesEveryCommand(t *testing.T) {
	t.Parallel()
	help := func(args ...string) string {
		var out, errs bytes.Buffer
		if code := cli.Main(append(args, "--help"), strings.NewReader(""), &out, &errs); code != 0 {
			t.Fatalf("%v --help: exit code %d, %s", args, code, errs.String())
		}
		return out.String()
	}
	readme, seen := read(t, "README.md"), 0
	_, list, _ := strings.Cut(help(), "Available Commands:\n")
	list, _, _ = strings.Cut(list, "\n\n")
	for line := range strings.Lines(list) {
		name := strings.Fields(line)[0]
		if name == "help" || name == "completion" { // cobra's own
			continue
		}
		seen++
		if !strings.Contains(readme, "\n| `walpost "+name) {
			t.Errorf("README.md has no line for walpost %s", name)
		}
		if !strings.Contains(help(name), "Examples:\n") {
			t.Errorf("walpost %s --help has no examples", name)
		}
	}
	if seen == 0 {
		t.Error("no command was found")
	}
}
