package read

import (
	"encoding/hex"

	"github.com/IBM/sarama"
)

// TopicID returns the id of a topic (KIP-516) as hexadecimal digits: a topic that was
// deleted and made again has another. It is "" where brokers know none, before 2.8.
func TopicID(client sarama.Client, topic string) (string, error) {
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
