package preflight

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/internal/kafka"
	"github.com/walpost/walpost/internal/kafka/topics"
	"github.com/walpost/walpost/internal/status"
)

// ExactlyOnce is what delivery.guarantee: exactly_once asks of the cluster.
type ExactlyOnce struct {
	TransactionalID string
	PositionTopic   string
	Timeout         time.Duration // of a transaction
	LongOpen        time.Duration // after which an open transaction is named; 0: 10 s
}

const (
	positionTopic = "topic of positions"

	// stateTopic is where coordinators keep transactions. Kafka creates it with the first.
	stateTopic = "__transaction_state"

	maxTimeoutKey    = "transaction.max.timeout.ms"
	stateReplicasKey = "transaction.state.log.replication.factor"
	stateMinISRKey   = "transaction.state.log.min.isr"
)

// transactions checks what transactions need, beside the topics. None is begun: that would
// end the relay that runs.
func (c *clusterChecker) transactions(ctx context.Context, want *ExactlyOnce) []Requirement {
	if want == nil {
		return nil
	}
	list := []Requirement{c.transactionalID(ctx, want), c.maxTimeout(ctx, want)}
	if q := c.stateReplicas(ctx); q.Name != "" {
		list = append(list, q)
	}
	return list
}

// transactionalID asks for Write and Describe on the transactional id. AddPartitionsToTxn
// checks rights before anything else; with a producer id that does not exist it is refused
// whatever the rights are.
func (c *clusterChecker) transactionalID(ctx context.Context, want *ExactlyOnce) Requirement {
	name := "transactional id " + want.TransactionalID
	grant := c.options.Grant("transactional-id", want.TransactionalID, "Write", "Describe")
	code, err := c.probeTransactionalID(ctx, want)
	switch {
	case code == sarama.ErrTransactionalIDAuthorizationFailed:
		return failure(status.ExitRequirement, name, grant, "%s may not use it", c.options.Principal())
	case errors.Is(err, sarama.ErrConsumerCoordinatorNotAvailable):
		return c.withoutCoordinator(ctx, name)
	case err != nil:
		return failure(startsAnyway, name, "see the broker's log: it needs the internal topic "+stateTopic, "%s", err)
	default:
		return passed(name, "%s may use it", c.options.Principal())
	}
}

// withoutCoordinator is the requirement of a cluster that cannot make its topic of
// transactions: one of a single broker, with the defaults of three.
func (c *clusterChecker) withoutCoordinator(ctx context.Context, name string) Requirement {
	brokers := 0
	if meta, err := c.client.Metadata(ctx, "ask for brokers"); err == nil {
		brokers = len(meta.Brokers)
	}
	replicas, known := c.brokerNumber(ctx, stateReplicasKey)
	if known && replicas > int64(brokers) {
		return failure(startsAnyway, name, fmt.Sprintf("start more brokers, or set %s=%d and %s=%d in server.properties "+
			"of each and restart it", stateReplicasKey, brokers, stateMinISRKey, max(1, brokers-1)),
			"Kafka has no coordinator for it: %s is %d and the cluster has %d brokers, so that topic %s cannot be made",
			stateReplicasKey, replicas, brokers, stateTopic)
	}
	return failure(startsAnyway, name, "see the broker's log: "+stateReplicasKey+" must not be more than the brokers of the cluster ("+
		strconv.Itoa(brokers)+"), and the partitions of topic "+stateTopic+" need leaders",
		"Kafka has no coordinator for it")
}

// probeTransactionalID returns what the coordinator says to a request that changes nothing.
func (c *clusterChecker) probeTransactionalID(ctx context.Context, want *ExactlyOnce) (sarama.KError, error) {
	const op = "ask the coordinator of the transactional id"
	coordinator, err := c.coordinator(ctx, want.TransactionalID)
	if errors.Is(err, sarama.ErrTransactionalIDAuthorizationFailed) {
		return sarama.ErrTransactionalIDAuthorizationFailed, nil
	}
	if err != nil {
		return 0, err
	}
	defer coordinator.Close()
	res, err := kafka.Ask(ctx, coordinator, op, func(b *sarama.Broker) (*sarama.AddPartitionsToTxnResponse, error) {
		return b.AddPartitionsToTxn(&sarama.AddPartitionsToTxnRequest{
			Version: 3, TransactionalID: want.TransactionalID, ProducerID: -1, ProducerEpoch: -1,
			TopicPartitions: map[string][]int32{want.PositionTopic: {0}},
		})
	})
	if err != nil {
		return 0, err
	}
	for _, partitions := range res.Errors {
		for _, p := range partitions {
			if p.Err == sarama.ErrTransactionalIDAuthorizationFailed {
				return p.Err, nil
			}
		}
	}
	return 0, nil
}

// coordinator connects to the coordinator of a transactional id. A new cluster makes its
// topic of transactions first.
func (c *clusterChecker) coordinator(ctx context.Context, id string) (coordinator *kafka.Client, err error) {
	paused := kafka.Poll(ctx, func() bool {
		coordinator, err = c.client.TransactionCoordinator(ctx, id)
		return !errors.Is(err, sarama.ErrConsumerCoordinatorNotAvailable)
	})
	return coordinator, errors.Join(err, paused)
}

// maxTimeout compares the longest transaction that brokers allow with ours.
func (c *clusterChecker) maxTimeout(ctx context.Context, want *ExactlyOnce) Requirement {
	const name = "longest transaction"
	ms, known := c.brokerNumber(ctx, maxTimeoutKey)
	switch {
	case !known:
		return passed(name, "not readable (DescribeConfigs on the cluster): %s must be at least %d", maxTimeoutKey,
			want.Timeout.Milliseconds())
	case ms < want.Timeout.Milliseconds():
		return failure(status.ExitRequirement, name, fmt.Sprintf("kafka-configs.sh --bootstrap-server %s --alter --entity-type brokers "+
			"--entity-default --add-config %s=900000, or in server.properties", c.options.Brokers[0], maxTimeoutKey),
			"%s is %d, and walpost's transactions may take %d", maxTimeoutKey, ms, want.Timeout.Milliseconds())
	default:
		return passed(name, "%s is %d", maxTimeoutKey, ms)
	}
}

// brokerNumber returns a setting of the client's broker.
func (c *clusterChecker) brokerNumber(ctx context.Context, key string) (int64, bool) {
	const op = "ask for settings of the broker"
	meta, err := c.client.Metadata(ctx, op)
	if err != nil || len(meta.Brokers) == 0 {
		return 0, false
	}
	id := c.brokerID(meta.Brokers)
	res, err := kafka.Ask(ctx, c.client, op, func(b *sarama.Broker) (*sarama.DescribeConfigsResponse, error) {
		return b.DescribeConfigs(&sarama.DescribeConfigsRequest{
			Version: 1, Resources: []*sarama.ConfigResource{{Type: sarama.BrokerResource, Name: id, ConfigNames: []string{key}}},
		})
	})
	if err != nil {
		return 0, false
	}
	for _, r := range res.Resources {
		for _, entry := range r.Configs {
			if n, err := strconv.ParseInt(entry.Value, 10, 64); entry.Name == key && err == nil {
				return n, true
			}
		}
	}
	return 0, false
}

// brokerID returns the id of the client's broker, as resources are named.
func (c *clusterChecker) brokerID(brokers []*sarama.Broker) string {
	of := brokers[0]
	for _, b := range brokers {
		if b.Addr() == c.client.Addr() {
			of = b
		}
	}
	return strconv.Itoa(int(of.ID()))
}

// stateReplicas checks how safe Kafka keeps transactions, as far as that can be seen.
func (c *clusterChecker) stateReplicas(ctx context.Context) Requirement {
	found, err := topics.Admin{Client: c.client}.Describe(ctx, stateTopic)
	if err != nil || !found[0].Exists {
		return Requirement{}
	}
	meta, err := c.client.Metadata(ctx, "ask for brokers")
	if err != nil {
		return Requirement{}
	}
	t, name := found[0], "topic "+stateTopic
	least, known := t.Number(topics.MinInsyncReplicas)
	switch {
	case t.WithoutLeader > 0:
		return failure(startsAnyway, name, "bring back the brokers that hold them", "%d of %d partitions have no leader: transactions of "+
			"their ids wait", t.WithoutLeader, t.Partitions)
	case t.Replicas == 1 && len(meta.Brokers) > 1:
		return warn(name, "give it more replicas (kafka-reassign-partitions.sh; transaction.state.log.replication.factor for a "+
			"new cluster)",
			"it has 1 replica: without that broker no transaction can be written, and with its disk the fence is lost")
	case known && least > int64(t.InSync):
		return warn(name, "bring back the brokers that are away, or: kafka-configs.sh --bootstrap-server "+c.options.Brokers[0]+
			" --alter --topic "+stateTopic+" --add-config min.insync.replicas="+strconv.Itoa(max(1, t.Replicas-1)),
			"a partition has %d of %d replicas in sync and min.insync.replicas is %d: transactions of its ids wait, unless Kafka is "+
				"recent and has no more replicas", t.InSync, t.Replicas, least)
	default:
		return passed(name, "replicas %d", t.Replicas)
	}
}

// position checks that positions can be written, read, and stay.
func (c *topicChecker) position() {
	t := c.topic
	if may, known := t.MayRead(); known && !may {
		c.add(Failed, c.options.Grant("topic", t.Name, "Read", "Write", "Describe"), "%s may not read it", c.options.Principal())
	}
	if t.Exists && t.Partitions != 1 {
		c.add(Failed, "delivery.position_topic: another topic, which walpost init creates",
			"it has %d partitions: positions are written to one", t.Partitions)
	}
	if policy := t.Config[topics.CleanupPolicy]; policy != "" && strings.Contains(policy, "delete") {
		c.add(Failed, c.alter(topics.CleanupPolicy, "compact"),
			"cleanup.policy is %s: Kafka would delete the position of an idle relay", policy)
	}
}
