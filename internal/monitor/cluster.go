package monitor

import (
	"errors"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/internal/kafka"
)

// cluster is a connection to Kafka that is opened when it is needed and given up
// after any failure, so that brokers, addresses and secrets are read again.
type cluster struct {
	options kafka.Options
	client  sarama.Client // nil: none
}

// partition is what metadata say of a partition.
type partition struct {
	topicPartition
	leader   int32 // -1: none
	replicas int
	inSync   []int32
}

// open connects and learns the brokers, which come with the answer to any topic.
func (c *cluster) open(topics []string) error {
	if c.client != nil {
		return nil
	}
	settings, err := kafka.Settings(c.options)
	if err != nil {
		return err
	}
	client, err := sarama.NewClient(c.options.Brokers, settings)
	if err != nil {
		return err
	}
	c.client = client
	if err := client.RefreshMetadata(topics...); len(client.Brokers()) == 0 {
		return err // else it is about a topic that is not there
	}
	return nil
}

func (c *cluster) close() {
	if c.client != nil {
		_ = c.client.Close() // what was asked was answered, or given up
		c.client = nil
	}
}

// partitions asks for the topics; those that are not there are left out.
func (c *cluster) partitions(topics []string) ([]partition, error) {
	if err := c.open(topics); err != nil {
		return nil, err
	}
	broker := c.client.LeastLoadedBroker()
	if broker == nil {
		return nil, sarama.ErrOutOfBrokers
	}
	meta, err := broker.GetMetadata(&sarama.MetadataRequest{Version: kafka.MetadataVersion, Topics: topics})
	if err != nil {
		return nil, err
	}
	var all []partition
	for _, t := range meta.Topics {
		for _, p := range t.Partitions {
			all = append(all, partition{topicPartition{t.Name, p.ID}, p.Leader, len(p.Replicas), p.Isr})
		}
	}
	return all, nil
}

// ends asks the leaders for the end of each partition; with an error, those that
// answered.
func (c *cluster) ends(partitions []partition) (map[topicPartition]int64, error) {
	led := map[int32][]topicPartition{}
	for _, p := range partitions {
		if p.leader >= 0 {
			led[p.leader] = append(led[p.leader], p.topicPartition)
		}
	}
	ends := map[topicPartition]int64{}
	var failures []error
	for id, partitions := range led {
		if err := c.endsAt(id, partitions, ends); err != nil {
			failures = append(failures, err)
		}
	}
	return ends, c.options.Explain("read ends of topics", errors.Join(failures...))
}

func (c *cluster) endsAt(leader int32, partitions []topicPartition, ends map[topicPartition]int64) error {
	broker, err := c.client.Broker(leader)
	if err != nil {
		return err
	}
	req := sarama.NewOffsetRequest(kafka.Version())
	for _, p := range partitions {
		req.AddBlock(p.topic, p.partition, sarama.OffsetNewest, 1)
	}
	res, err := broker.GetAvailableOffsets(req)
	if err != nil {
		return err
	}
	for _, p := range partitions {
		switch block := res.GetBlock(p.topic, p.partition); {
		case block == nil:
			err = sarama.ErrIncompleteResponse
		case block.Err != sarama.ErrNoError:
			err = block.Err
		default:
			ends[p] = block.Offset
		}
	}
	return err
}
