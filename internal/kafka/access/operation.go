package access

import (
	"errors"
	"fmt"

	"github.com/IBM/sarama"
)

// WithOperation returns err with the operation that an ACL must allow, if the broker refused it to this user.
func WithOperation(err error, operation string) error {
	switch {
	case errors.Is(err, sarama.ErrTopicAuthorizationFailed):
		return fmt.Errorf("%w: allow this user the operation %s on the topic", err, operation)
	case errors.Is(err, sarama.ErrGroupAuthorizationFailed):
		return fmt.Errorf("%w: allow this user the operation %s on the group", err, operation)
	default:
		return err
	}
}
