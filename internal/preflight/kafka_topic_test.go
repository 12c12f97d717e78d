package preflight

import (
	"strings"
	"testing"

	"github.com/walpost/walpost/internal/kafka"
	"github.com/walpost/walpost/internal/kafka/topics"
)

// Topics that one broker cannot have.
func TestCheckReplicas(t *testing.T) {
	for name, tc := range map[string]struct {
		brokers, replicas, inSync, leaderless int
		least                                 string
		state                                 State
		says                                  string
	}{
		"three copies, two needed":       {3, 3, 3, 0, "2", OK, ""},
		"one broker":                     {1, 1, 1, 0, "1", OK, ""},
		"one copy among three":           {3, 1, 1, 0, "1", Warning, "1 replica: "},
		"one copy is enough":             {3, 3, 3, 0, "1", Warning, "min.insync.replicas=2"},
		"more needed than there are":     {3, 2, 2, 0, "3", Failed, "refuses every record"},
		"one copy, and two needed":       {3, 1, 1, 0, "2", Failed, "refuses every record"},
		"brokers away":                   {3, 3, 1, 0, "2", Warning, "bring back"},
		"settings not readable":          {3, 3, 3, 0, "", OK, ""},
		"no leader":                      {3, 3, 0, 2, "", Failed, "2 of 4 partitions have no leader"},
		"number of brokers is not known": {0, 1, 1, 0, "1", OK, ""},
	} {
		t.Run(name, func(t *testing.T) {
			topic := topics.Topic{
				Name: "t", Exists: true, Partitions: 4, Replicas: tc.replicas, InSync: tc.inSync, WithoutLeader: tc.leaderless,
				Config: map[string]string{topics.MinInsyncReplicas: tc.least},
			}
			c := topicChecker{options: kafka.Options{Brokers: []string{"a:1"}}, brokers: tc.brokers, topic: &topic, name: "topic t"}
			c.replicas()
			if tc.state == OK {
				if len(c.list) != 0 {
					t.Errorf("%+v", c.list)
				}
				return
			}
			if len(c.list) != 1 || c.list[0].State != tc.state || !strings.Contains(c.list[0].Detail+"\n"+c.list[0].Fix, tc.says) {
				t.Errorf("%+v", c.list)
			}
		})
	}
}

// Kafka writes "no limit" as the largest number there is.
func TestMillisecondsDoNotOverflow(t *testing.T) {
	if d := topics.Milliseconds(1<<63 - 1); d <= 0 {
		t.Error(d)
	}
}
