package kafka

import (
	"context"
	"fmt"

	"github.com/IBM/sarama"
)

// Version is the protocol version walpost speaks.
//
// sarama takes the version of each request from the caller, refuses it when it is
// newer than Config.Version, and lowers it to the broker's range (ApiVersions). So
// 2.8.0 lets through what walpost asks for by itself: Produce 8 (since 2.4),
// InitProducerId 4 (since 2.7), SaslAuthenticate 2 (since 2.5), and it makes sarama
// choose CreateTopics 7 and DescribeConfigs 4. All of them lie in the range of
// brokers 2.8 to 4.x: Kafka 4 dropped only versions older than 2.1 (KIP-896).
func Version() sarama.KafkaVersion { return sarama.V2_8_0_0 }

// The versions of the requests that records need, as the producer, Client and the
// monitor send them. The version of any other request stands where it is made.
const (
	// ProduceVersion 8 is the first that names the records that a broker refuses. From
	// 9 on sarama encodes each batch once more.
	ProduceVersion = 8
	// MetadataVersion 8 is the first with authorized operations (KIP-430). Version 10
	// adds the ids of topics, which walpost does not need.
	MetadataVersion = 8
	// InitProducerIDVersion 4 is the first that Kafka 2.7 has.
	InitProducerIDVersion = 4
)

// VersionRange is the versions of one request that a broker takes.
type VersionRange struct{ Min, Max int16 }

// String returns the range as `check` prints it.
func (r VersionRange) String() string { return fmt.Sprintf("broker: %d-%d", r.Min, r.Max) }

// Versions asks which requests the broker takes, by their numbers. Ask after SASL: a
// broker that waits for SASL answers once only.
func (c *Client) Versions(ctx context.Context) (map[int16]VersionRange, error) {
	const op = "ask for versions"
	res, err := Ask(ctx, c, op, func(b *sarama.Broker) (*sarama.ApiVersionsResponse, error) {
		return b.ApiVersions(&sarama.ApiVersionsRequest{Version: 3, ClientSoftwareName: "walpost", ClientSoftwareVersion: "1"})
	})
	if err == nil {
		err = c.Explain(op, CodeError(sarama.KError(res.ErrorCode)))
	}
	if err != nil {
		return nil, err
	}
	ranges := make(map[int16]VersionRange, len(res.ApiKeys))
	for _, k := range res.ApiKeys {
		ranges[k.ApiKey] = VersionRange{k.MinVersion, k.MaxVersion}
	}
	return ranges, nil
}
