package answer

import (
	"slices"
	"testing"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kerr"
)

// Every code of Kafka has its class: an answer is in the table, or it is none that a
// Produce request gets. A new code of Kafka's makes this red.
func TestEveryAnswerOfKafkaHasItsClass(t *testing.T) {
	t.Parallel()
	var open []int16
	for code := int16(-1); code < 200; code++ {
		if err := kerr.TypedErrorForCode(code); code != 0 && (err == nil || err == kerr.UnknownServerError && code != -1) {
			continue
		}
		c, remedy := classify(sarama.KError(code))
		if c == Unexpected {
			open = append(open, code)
		}
		if slices.Contains([]Class{NeverAccepted, Unexpected}, c) && remedy == "" {
			t.Errorf("%d halts in the end, and nothing says what helps", code)
		}
	}
	if !slices.Equal(open, otherRequests()) {
		t.Errorf("no answers to Produce: %v\nwant %v", open, otherRequests())
	}
}

// otherRequests are codes that Kafka documents for requests other than Produce: of
// fetching, groups, topics, tokens, transactions, quotas, features, shares.
func otherRequests() []int16 {
	return []int16{
		1, 4, 11, 12, 22, 23, 24, 25, 26, 27, 28, 30, 33, 34, 36, 37, 38, 39, 40, 42, 48, 50, 52, 54, 55, 58,
		61, 62, 63, 64, 65, 66, 67, 68, 69, 70, 71, 72, 73, 78, 79, 80, 81, 82, 83, 84, 85, 86, 88,
		91, 92, 93, 94, 95, 96, 97, 98, 99, 101, 102, 104, 105, 106, 109, 110, 111, 112, 113, 114, 115, 116, 117, 118, 119,
		120, 121, 122, 123, 124, 125, 126, 127, 128, 130, 131, 132, 133, 134, 135, 136,
	}
}
