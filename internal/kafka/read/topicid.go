package read

import (
	"context"
	"encoding/hex"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/internal/backoff"
)

// TopicID returns the id of a topic (KIP-516) as hexadecimal digits: a topic that was
// deleted and made again has another. It is "" where brokers know none, before 2.8.
//
// TopicID asks again for a while, as sarama does: a connection may have been closed while
// it was idle, and a broker may be the last to know a topic.
func TopicID(ctx context.Context, client sarama.Client, topic string) (string, error) {
	retry := client.Config().Metadata.Retry
	for attempts := 0; ; attempts++ {
		id, err := topicID(client, topic)
		if err == nil || attempts >= retry.Max || backoff.Sleep(ctx, retry.Backoff) != nil {
			return id, err
		}
	}
}

// IsAnotherTopic reports whether two ids are of two topics; "" is an id that is not known.
func IsAnotherTopic(before, now string) bool { return before != "" && now != "" && before != now }

func topicID(client sarama.Client, topic string) (string, error) {
	broker := client.LeastLoadedBroker()
	if broker == nil {
		return "", sarama.ErrOutOfBrokers
	}
	if err := broker.Open(client.Config()); err != nil && err != sarama.ErrAlreadyConnected { //nolint:errorlint // as sarama returns it
		return "", err
	}
	answer, err := broker.GetMetadata(sarama.NewMetadataRequest(client.Config().Version, []string{topic}))
	if err != nil {
		return "", err
	}
	for _, t := range answer.Topics {
		if t.Name != topic {
			continue
		}
		if t.Err != sarama.ErrNoError && t.Err != sarama.ErrLeaderNotAvailable {
			return "", t.Err
		}
		if t.Uuid == (sarama.Uuid{}) {
			return "", nil
		}
		return hex.EncodeToString(t.Uuid[:]), nil
	}
	return "", sarama.ErrUnknownTopicOrPartition
}
