package devstack

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"
)

// clientConfig is for clients of the plaintext listener.
func (k *Kafka) clientConfig() *sarama.Config {
	config := sarama.NewConfig()
	config.ClientID = "devstack"
	config.Version = sarama.V3_6_0_0
	config.Net.DialTimeout, config.Net.ReadTimeout, config.Net.WriteTimeout = 5*time.Second, 40*time.Second, 40*time.Second
	config.Admin.Timeout = 30 * time.Second // the default of 3 s is too short for a controller on a busy machine
	config.Consumer.Return.Errors = true
	return config
}

// Client opens a client on the plaintext listener; the caller closes it.
func (k *Kafka) Client() (sarama.Client, error) {
	return sarama.NewClient(k.Bootstrap(Plaintext), k.clientConfig())
}

// Admin opens an administrator on the plaintext listener; the caller closes it.
func (k *Kafka) Admin() (sarama.ClusterAdmin, error) {
	return sarama.NewClusterAdmin(k.Bootstrap(Plaintext), k.clientConfig())
}

// administer does one thing with an administrator.
func (k *Kafka) administer(do func(sarama.ClusterAdmin) error) error {
	admin, err := k.Admin()
	if err != nil {
		return err
	}
	return errors.Join(do(admin), admin.Close())
}

// CreateTopic creates a topic and returns when every partition has a leader. Replication
// factor -1 is the cluster's default.
func (k *Kafka) CreateTopic(ctx context.Context, topic string, partitions int32, replicationFactor int16, config map[string]string) error {
	detail := &sarama.TopicDetail{NumPartitions: partitions, ReplicationFactor: replicationFactor, ConfigEntries: map[string]*string{}}
	for key, value := range config {
		detail.ConfigEntries[key] = &value
	}
	err := k.administer(func(admin sarama.ClusterAdmin) error { return admin.CreateTopic(topic, detail, false) })
	if err != nil {
		return fmt.Errorf("create topic %s: %w", topic, err)
	}
	client, err := k.Client()
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	return poll(ctx, func() error {
		if err := client.RefreshMetadata(topic); err != nil {
			return err
		}
		writable, err := client.WritablePartitions(topic)
		if err == nil && len(writable) != int(partitions) {
			err = fmt.Errorf("topic %s has %d of %d leaders", topic, len(writable), partitions)
		}
		return err
	})
}

// AwaitInSync waits until every replica of a topic is in sync, as it is some time after a broker has come back. Every
// running broker must say so: one that was frozen tells what it knew before for a while.
func (k *Kafka) AwaitInSync(ctx context.Context, topic string) error {
	return k.each(func(b *Broker) error {
		if !b.running() {
			return nil
		}
		return poll(ctx, func() error { return b.seesInSync(topic) })
	})
}

// seesInSync asks one broker.
func (b *Broker) seesInSync(topic string) error {
	conn, err := b.dial()
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	metadata, err := conn.GetMetadata(&sarama.MetadataRequest{Version: 7, Topics: []string{topic}})
	if err != nil {
		return err
	}
	for _, t := range metadata.Topics {
		if !errors.Is(t.Err, sarama.ErrNoError) {
			return fmt.Errorf("topic %s: %w", topic, t.Err)
		}
		for _, p := range t.Partitions {
			if len(p.Isr) < len(p.Replicas) {
				return fmt.Errorf("broker %d: %s/%d has %d of %d replicas in sync", b.id, topic, p.ID, len(p.Isr), len(p.Replicas))
			}
		}
	}
	return nil
}

// DeleteTopic removes a topic, and waits until no running broker takes records for it: what it took meanwhile would be
// acknowledged and gone.
func (k *Kafka) DeleteTopic(ctx context.Context, topic string) error {
	var partitions int
	err := k.administer(func(admin sarama.ClusterAdmin) error {
		found, err := admin.DescribeTopics([]string{topic})
		if err != nil {
			return err
		}
		partitions = len(found[0].Partitions)
		return admin.DeleteTopic(topic)
	})
	if err != nil {
		return err
	}
	return k.each(func(b *Broker) error {
		if !b.running() {
			return nil
		}
		return poll(ctx, func() error { return b.lacks(topic, partitions) })
	})
}

// lacks returns an error if a broker still has a partition of a topic.
func (b *Broker) lacks(topic string, partitions int) error {
	conn, err := b.dial()
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	req := sarama.NewOffsetRequest(sarama.V2_8_0_0)
	for partition := range partitions {
		req.AddBlock(topic, int32(partition), sarama.OffsetNewest, 1)
	}
	res, err := conn.GetAvailableOffsets(req)
	if err != nil {
		return err
	}
	for partition := range partitions {
		if block := res.GetBlock(topic, int32(partition)); block == nil || !errors.Is(block.Err, sarama.ErrUnknownTopicOrPartition) {
			return fmt.Errorf("broker %d still has %s/%d", b.id, topic, partition)
		}
	}
	return nil
}

// EndOffsets is the offset that the next record of each partition will get.
func (k *Kafka) EndOffsets(topic string) (map[int32]int64, error) {
	client, err := k.Client()
	if err != nil {
		return nil, err
	}
	defer func() { _ = client.Close() }()
	partitions, err := client.Partitions(topic)
	if err != nil {
		return nil, fmt.Errorf("partitions of %s: %w", topic, err)
	}
	ends := make(map[int32]int64, len(partitions))
	for _, partition := range partitions {
		if ends[partition], err = client.GetOffset(topic, partition, sarama.OffsetNewest); err != nil {
			return nil, fmt.Errorf("end of %s/%d: %w", topic, partition, err)
		}
	}
	return ends, nil
}
