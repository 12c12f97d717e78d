package recovertest

import (
	"testing"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
)

// TopicWith makes a topic of one partition with settings.
func TopicWith(t testing.TB, stack *devstacktest.Stack, settings map[string]string) string {
	t.Helper()
	name := stack.Topic(t, 1) + ".set"
	if err := stack.Kafka(t).CreateTopic(t.Context(), name, 1, 1, settings); err != nil {
		t.Fatal(err)
	}
	return name
}
