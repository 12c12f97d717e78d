package read

import (
	"errors"

	"github.com/IBM/sarama"
)

// WithoutTopic returns an error of Client.RefreshMetadata or Client.Partitions for one topic
// without the topic's name, which sarama puts first: the caller names the topic.
func WithoutTopic(err error, topic string) error {
	if code, ok := errors.AsType[sarama.KError](err); ok && err.Error() == topic+": "+code.Error() {
		return code
	}
	return err
}
