package kafka

import "github.com/IBM/sarama"

// NewReadClient returns a client to read topics with, see package read.
func NewReadClient(o Options) (sarama.Client, error) {
	settings, err := Settings(o)
	if err != nil {
		return nil, err
	}
	settings.Metadata.Retry.Max = 3
	client, err := sarama.NewClient(o.Brokers, settings)
	return client, o.Explain("connect to Kafka", err)
}
