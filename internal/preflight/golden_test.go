package preflight_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/walpost/walpost/internal/kafka/kafkatest"
	"github.com/walpost/walpost/internal/preflight"
)

// wantGolden compares the findings with testdata/NAME.golden: what `check` says
// is read by people, so a change of words is looked at. What differs between runs
// is named by pairs of a placeholder and the text it stands for.
func wantGolden(t *testing.T, name string, list []preflight.Requirement, varying ...string) {
	t.Helper()
	var b strings.Builder
	for _, q := range list {
		fmt.Fprintf(&b, "%s %s: %s\n", q.State, q.Name, q.Detail)
		if q.Fix != "" {
			fmt.Fprintf(&b, "    fix: %s\n", q.Fix)
		}
	}
	got := regexp.MustCompile(`broker: \d+-\d+`).ReplaceAllString(b.String(), "broker: MIN-MAX") // it depends on Kafka's version
	for i := 0; i+1 < len(varying); i += 2 {
		got = strings.ReplaceAll(got, varying[i+1], varying[i])
	}
	if strings.Contains(got, kafkatest.Canary) {
		t.Error("a secret is shown")
	}
	file := filepath.Join("testdata", name+".golden")
	want, err := os.ReadFile(file)
	if err != nil || got != string(want) {
		t.Errorf("%s: %v\ngot:\n%s\nwant:\n%s", file, err, got, want)
	}
}
