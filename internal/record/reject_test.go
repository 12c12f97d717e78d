package record_test

import (
	"strings"
	"testing"
	"time"

	"github.com/walpost/walpost/internal/record"
	"github.com/walpost/walpost/internal/topicname"
)

func TestReject(t *testing.T) {
	t.Parallel()
	letters, err := record.NewDeadLetters(topicname.Template{{Literal: "dead."}, {Column: "topic"}})
	if err != nil {
		t.Fatal(err)
	}
	whole := &record.Rejection{Reason: record.ReasonTooLarge, Topic: "orders", Text: "too large"}
	part := &record.Rejection{Reason: record.ReasonTopicName, Text: "no topic", TopicIncomplete: true}
	for name, c := range map[string]struct {
		policy record.RejectPolicy
		why    *record.Rejection
		topic  string // of the dead letter
		says   []string
	}{
		"stop":        {policy: record.RejectStop, why: whole, says: []string{"too large"}},
		"skip":        {policy: record.RejectSkip, why: whole},
		"dead letter": {policy: record.RejectDeadLetter, why: whole, topic: "dead.orders"},
		"dead letter, no topic": {
			policy: record.RejectDeadLetter, why: part,
			says: []string{"no topic; and its dead letter cannot be written: ", "delivery.dead_letter"},
		},
		"stop before a bad name": {policy: record.RejectStop, why: part, says: []string{"no topic"}},
	} {
		dead, err := letters.Reject(c.policy, &record.Record{}, c.why, record.Position{}, time.Now())
		switch {
		case (err != nil) != (len(c.says) > 0):
			t.Errorf("%s: %v", name, err)
		case (dead != nil) != (c.topic != "") || dead != nil && dead.Topic != c.topic:
			t.Errorf("%s: %+v", name, dead)
		}
		for _, text := range c.says {
			if !strings.Contains(err.Error(), text) {
				t.Errorf("%s: %q is not in %v", name, text, err)
			}
		}
	}
}
