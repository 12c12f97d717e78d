package topicname_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/walpost/walpost/internal/topicname"
)

func TestRules(t *testing.T) {
	t.Parallel()
	pattern := regexp.MustCompile(topicname.Pattern)
	for name, want := range map[string]string{
		"":                       "is empty",
		".":                      "is . or ..",
		"..":                     "is . or ..",
		"...":                    "",
		"a":                      "",
		"a-b_c.D9":               "",
		"_":                      "",
		"_schemas":               "",
		"__consumer_offsets":     "begins with __, which Kafka keeps for itself",
		"a b":                    "has a character outside [a-zA-Z0-9._-]",
		"a\x00":                  "has a character outside [a-zA-Z0-9._-]",
		"Order/€":                "has a character outside [a-zA-Z0-9._-]",
		strings.Repeat("a", 249): "",
		strings.Repeat("a", 250): "is longer than 249 characters",
	} {
		if got := topicname.Fault(name); got != want || topicname.Fault([]byte(name)) != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
		if err := topicname.Check(name); (err == nil) != (want == "") || err != nil && err.Error() != "topic name "+want {
			t.Errorf("%q: %v", name, err)
		}
		// The pattern leaves out what a regular expression cannot say well.
		byPattern := pattern.MatchString(name) && len(name) <= topicname.MaxLength && name != "." && name != ".."
		if byPattern != topicname.Valid(name) {
			t.Errorf("%q: the pattern says %t", name, byPattern)
		}
	}
}

func TestFaultAllocatesNothing(t *testing.T) {
	name := []byte("outbox.event.order")
	if n := testing.AllocsPerRun(100, func() { _ = topicname.Fault(name) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
