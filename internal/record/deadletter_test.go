package record_test

import (
	"testing"

	"github.com/walpost/walpost/internal/dlt"
	"github.com/walpost/walpost/internal/topicname"
)

// Rows may not name what consumers call their dead letter topics.
func TestDefaultDeadLetterTopicIsOneByConvention(t *testing.T) {
	t.Parallel()
	if !topicname.DeadLetterByConvention(dlt.DefaultTopic) {
		t.Errorf("%s does not end with %s", dlt.DefaultTopic, topicname.DeadLetterSuffix)
	}
}
