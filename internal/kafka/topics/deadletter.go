package topics

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/walpost/walpost/internal/kafka"
)

// deadLetterHeaders is more than the headers of a dead letter add to its record.
const deadLetterHeaders = 8 << 10

// DeadLetterBytes is how large the dead letter of a record of that size may be.
func DeadLetterBytes(record int64) int64 { return record + deadLetterHeaders }

// DeadLetterLimit is the max.message.bytes of a dead letter topic for records of at most
// that size, with room for those that are rejected because they are larger.
func DeadLetterLimit(record int64) int64 { return 2 * DeadLetterBytes(record) }

// Command returns the command of Kafka that creates the topic.
func (s Spec) Command(broker string) string {
	words := []string{"kafka-topics.sh --bootstrap-server", broker, "--create --topic", kafka.ShellWord(s.Name)}
	if s.Partitions > 0 {
		words = append(words, fmt.Sprintf("--partitions %d", s.Partitions))
	}
	if s.ReplicationFactor > 0 {
		words = append(words, fmt.Sprintf("--replication-factor %d", s.ReplicationFactor))
	}
	for _, name := range slices.Sorted(maps.Keys(s.Config)) {
		words = append(words, "--config", kafka.ShellWord(name+"="+s.Config[name]))
	}
	return strings.Join(words, " ")
}
