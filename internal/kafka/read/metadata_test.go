package read_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/internal/kafka/read"
)

func TestWithoutTopicKeepsOtherErrors(t *testing.T) {
	t.Parallel()
	named := fmt.Errorf("orders: %w", sarama.ErrUnknownTopicOrPartition)
	if got := read.WithoutTopic(errors.Join(named), "orders"); got != error(sarama.ErrUnknownTopicOrPartition) { //nolint:errorlint // bare
		t.Errorf("%v", got)
	}
	for _, err := range []error{
		nil, sarama.ErrOutOfBrokers, sarama.ErrTopicAuthorizationFailed, named,
		sarama.Wrap(sarama.ErrOutOfBrokers, sarama.ErrSASLAuthenticationFailed),
	} {
		if got := read.WithoutTopic(err, "order"); fmt.Sprint(got) != fmt.Sprint(err) {
			t.Errorf("%v, want %v", got, err)
		}
	}
}
