package read_test

import (
	"testing"

	"github.com/walpost/walpost/internal/kafka/read"
)

// A broker that tells no id does not say that the topic is another one.
func TestUnknownTopicIDIsNoOther(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		before, now string
		want        bool
	}{{"", "", false}, {"", "a", false}, {"a", "", false}, {"a", "a", false}, {"a", "b", true}} {
		if got := read.IsAnotherTopic(c.before, c.now); got != c.want {
			t.Errorf("%q, then %q: %t", c.before, c.now, got)
		}
	}
}
