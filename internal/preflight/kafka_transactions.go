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
)

// ExactlyOnce is what delivery.guarantee: exactly_once asks of the cluster.
type ExactlyOnce struct {
	TransactionalID string
	PositionTopic   string
	Timeout         time.Duration // of a transaction
}

const (
	positionTopic = "topic of positions"

	// stateTopic is where coordinators keep transactions. Kafka creates it with the first.
	stateTopic = "__transaction_state"

	maxTimeoutKey = "transaction.max.timeout.ms"
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
		return failure(exitRequirement, name, grant, "%s may not use it", c.options.Principal())
	case err != nil:
		return failure(startsAnyway, name, "see the broker's log: it needs the internal topic "+stateTopic, "%s", err)
	default:
		return passed(name, "%s may use it", c.options.Principal())
	}
}

// exitRequirement is the Exit of what `run` does not start with.
const exitRequirement = 3

// probeTransactionalID returns what the coordinator says to a request that changes nothing.
func (c *clusterChecker) probeTransactionalID(ctx context.Context, want *ExactlyOnce) (sarama.KError, error) {
	const op = "ask the coordinator of the transactional id"
	coordinator, code, err := c.coordinator(ctx, want.TransactionalID)
	if err != nil || code != sarama.ErrNoError {
		return code, err
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
func (c *clusterChecker) coordinator(ctx context.Context, id string) (*kafka.Client, sarama.KError, error) {
	const op = "find the coordinator of the transactional id"
	var res *sarama.FindCoordinatorResponse
	var err error
	paused := kafka.Poll(ctx, func() bool {
		res, err = kafka.Ask(ctx, c.client, op, func(b *sarama.Broker) (*sarama.FindCoordinatorResponse, error) {
			return b.FindCoordinator(&sarama.FindCoordinatorRequest{
				Version: 3, CoordinatorKey: id, CoordinatorType: sarama.CoordinatorTransaction,
			})
		})
		return err != nil || res.Err != sarama.ErrConsumerCoordinatorNotAvailable
	})
	switch {
	case err != nil || paused != nil:
		return nil, 0, errors.Join(err, paused)
	case res.Err == sarama.ErrTransactionalIDAuthorizationFailed:
		return nil, res.Err, nil
	case res.Err != sarama.ErrNoError:
		return nil, 0, c.client.Explain(op, res.Err)
	}
	client, err := kafka.ConnectTo(ctx, c.options, res.Coordinator.Addr())
	return client, 0, err
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
		return failure(exitRequirement, name, fmt.Sprintf("kafka-configs.sh --bootstrap-server %s --alter --entity-type brokers "+
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
	id := strconv.Itoa(int(meta.Brokers[0].ID()))
	for _, b := range meta.Brokers {
		if b.Addr() == c.client.Addr() {
			id = strconv.Itoa(int(b.ID()))
		}
	}
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
	switch {
	case t.WithoutLeader > 0:
		return failure(startsAnyway, name, "bring back the brokers that hold them", "%d of %d partitions have no leader: transactions of "+
			"their ids wait", t.WithoutLeader, t.Partitions)
	case t.Replicas == 1 && len(meta.Brokers) > 1:
		return warn(name, "give it more replicas (kafka-reassign-partitions.sh; transaction.state.log.replication.factor for a "+
			"new cluster)",
			"it has 1 replica: without that broker no transaction can be written, and with its disk the fence is lost")
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
