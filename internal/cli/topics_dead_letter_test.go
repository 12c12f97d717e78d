package cli_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/walpost/walpost/internal/config/configtest"
	"github.com/walpost/walpost/internal/kafka/topics"
)

// The dead letter topics that a file names, of the relay and of consumers, are made with
// room for dead letters and kept for a month, however the other topics are made.
func TestDeadLetterTopicsOfTheFileAreMade(t *testing.T) {
	t.Parallel()
	s := newSetup(t, nil)
	brokers, c := shared(t)
	file := func(prefix, declare string) string {
		return configtest.File(t, fmt.Sprintf("name: %s\npostgres: {url: '%s'}\noutbox: {topic: %s.all}\n"+
			"delivery: {on_reject: dead_letter, dead_letter: '{topic}.dead'}\nkafka:\n  brokers: [%s]\n  topics:\n    partitions: 3\n"+
			"    config: {cleanup.policy: compact, retention.ms: 86400000, max.message.bytes: 3000000}\n    declare:\n"+
			"      %[3]s.all.DLT: %[5]s\n",
			s.db.Name, s.db.URL, prefix, strings.Join(brokers, ", "), declare))
	}
	good := func(topic string, partitions int, retention string) {
		t.Helper()
		made := look(t, c, topic)
		if !made.Exists || made.Partitions != partitions || made.Config[topics.CleanupPolicy] != "delete" ||
			made.Config[topics.Retention] != retention || made.Config[topics.MaxMessageBytes] != "6016384" {
			t.Errorf("%s: %+v", topic, made)
		}
	}

	t.Run("topics apply", func(t *testing.T) {
		prefix := s.prefix + ".apply"
		declared := file(prefix, "{partitions: 2, config: {retention.ms: -1}}")
		walpost(t, "topics", "plan", "-c", declared).want(t, 6, "create topic "+prefix+".all.dead", "create topic "+prefix+".all.DLT")
		walpost(t, "topics", "apply", "--yes", "-c", declared).want(t, 0, "created topic "+prefix+".all.dead")
		good(prefix+".all.dead", 1, "2592000000")
		good(prefix+".all.DLT", 2, "-1")
		walpost(t, "topics", "plan", "-c", declared).want(t, 0, "2 topics are as declared")
	})
	t.Run("check and init", func(t *testing.T) {
		prefix := s.prefix + ".init"
		declared := file(prefix, "{}")
		r := walpost(t, "check", "-c", declared)
		r.want(t, 3, "failed kafka dead letter topic "+prefix+".all.dead: it does not exist",
			"--create --topic "+prefix+".all.dead --partitions 1 --config cleanup.policy=delete --config max.message.bytes=6016384 "+
				"--config retention.ms=2592000000",
			"warning kafka dead letter topic of consumers "+prefix+".all.DLT: it does not exist", "walpost topics apply -c FILE")
		walpost(t, "init", "-c", declared).want(t, 0, "created topic "+prefix+".all.dead", "created topic "+prefix+".all.DLT")
		good(prefix+".all.dead", 1, "2592000000")
		good(prefix+".all.DLT", 1, "2592000000")
		walpost(t, "check", "-c", declared).want(t, 0, "ok kafka dead letter topic "+prefix+".all.dead",
			"ok kafka dead letter topic of consumers "+prefix+".all.DLT")
	})
}
