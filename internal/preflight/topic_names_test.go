package preflight_test

import (
	"testing"

	"github.com/walpost/walpost/internal/preflight"
)

func TestNamedTopicsWarnsOfAnyName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		names preflight.NamedTopics
		want  int
	}{
		{preflight.NamedTopics{Globs: []string{"outbox.event.*"}}, 0},
		{preflight.NamedTopics{Globs: []string{"outbox.event.*"}, Create: true}, 1},
		{preflight.NamedTopics{Globs: []string{"*"}}, 1},
		{preflight.NamedTopics{Globs: []string{"ev.*", "*"}}, 1}, // what a regular expression does not match
		{preflight.NamedTopics{Globs: []string{"*"}, Allow: []string{"*"}}, 1},
		{preflight.NamedTopics{Globs: []string{"*"}, Allow: []string{"ev.*"}, Create: true}, 0},
		{preflight.NamedTopics{Globs: []string{"orders"}, Create: true}, 0},
	} {
		if got := c.names.Requirements(); len(got) != c.want {
			t.Errorf("%+v: %v", c.names, got)
		}
	}
}
