// Package opentransactions finds the Kafka transactions that are open on partitions, whose they
// are, and which of them nobody will end (KIP-664).
//
// It knows what brokers and coordinators say. It must not know who asks, nor what the
// records are.
package opentransactions

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/internal/kafka"
)

// Open is a transaction that is open on a partition: consumers that read committed records
// stand still at its first record.
type Open struct {
	Topic      string
	Partition  int32
	Start      int64 // offset of its first record
	ProducerID int64
	ID         string // transactional id; "": not known

	// Hangs: its coordinator does not know of it, so that it ends neither by itself nor by its
	// producer.
	Hangs   bool
	Begun   time.Time     // zero: not known
	Timeout time.Duration // after which the coordinator aborts it; 0: not known
}

// Found is what Find has found, and what it was not allowed to look at.
type Found struct {
	Open   []Open   // in the order of topics and partitions
	Denied []string // topics without the right to read
	Unseen int      // partitions without a leader that answers
}

// ErrUnsupported is for brokers that do not tell: those before Kafka 3.0.
var ErrUnsupported = errors.New("the brokers do not tell which transactions are open (Kafka 3.0 and later do)")

// The numbers of the requests, and the version of the protocol that has them all.
const (
	apiDescribeProducers    = 61
	apiDescribeTransactions = 65
	apiListTransactions     = 66
)

// Find returns the transactions that are open on the partitions of these topics. A topic
// that does not exist has none.
func Find(ctx context.Context, client *kafka.Client, topics ...string) (*Found, error) {
	known, err := client.Versions(ctx)
	if err != nil {
		return nil, err
	}
	for _, api := range []int16{apiDescribeProducers, apiDescribeTransactions, apiListTransactions} {
		if _, ok := known[api]; !ok {
			return nil, ErrUnsupported
		}
	}
	f := &finder{client: client, brokers: map[string]*kafka.Client{}}
	defer f.close()
	found, err := f.producers(ctx, topics)
	if err != nil || len(found.Open) == 0 {
		return found, err
	}
	complete, suspects := f.coordinators(ctx, found.Open)
	if len(suspects) == 0 {
		return found, nil
	}
	return found, f.confirm(ctx, found, topics, suspects, complete)
}

// finder asks brokers, with one connection to each.
type finder struct {
	client  *kafka.Client
	brokers map[string]*kafka.Client // by address; nil: it does not answer
	addrs   []string                 // of all brokers
}

func (f *finder) close() {
	for _, c := range f.brokers {
		if c != nil {
			c.Close()
		}
	}
}

// at returns the connection to a broker, nil if it does not answer.
func (f *finder) at(ctx context.Context, addr string) *kafka.Client {
	c, asked := f.brokers[addr]
	if !asked {
		var err error
		if c, err = kafka.ConnectTo(ctx, f.client.Options().Speaking(sarama.V3_0_0_0), addr); err != nil {
			c = nil
		}
		f.brokers[addr] = c
	}
	return c
}

// producers asks the leaders of the partitions.
func (f *finder) producers(ctx context.Context, topics []string) (*Found, error) {
	meta, err := f.client.Metadata(ctx, "find the leaders of partitions", topics...)
	if err != nil {
		return nil, err
	}
	addrs := map[int32]string{}
	f.addrs = nil
	for _, b := range meta.Brokers {
		addrs[b.ID()] = b.Addr()
		f.addrs = append(f.addrs, b.Addr())
	}
	found := &Found{}
	for addr, partitions := range ledBy(meta, addrs) {
		f.describeProducers(ctx, addr, partitions, found)
	}
	for _, t := range meta.Topics {
		if t.Err == sarama.ErrTopicAuthorizationFailed {
			found.Denied = append(found.Denied, t.Name)
		}
	}
	slices.SortFunc(found.Open, Open.compare)
	slices.Sort(found.Denied)
	found.Denied = slices.Compact(found.Denied)
	return found, nil
}

// ledBy returns the partitions of each leader by its address, "" for none, and by topic.
func ledBy(meta *sarama.MetadataResponse, addrs map[int32]string) map[string]map[string][]int32 {
	led := map[string]map[string][]int32{}
	for _, t := range meta.Topics {
		for _, p := range t.Partitions {
			addr := addrs[p.Leader]
			if led[addr] == nil {
				led[addr] = map[string][]int32{}
			}
			led[addr][t.Name] = append(led[addr][t.Name], p.ID)
		}
	}
	return led
}

// describeProducers asks one leader, and adds what it says.
func (f *finder) describeProducers(ctx context.Context, addr string, partitions map[string][]int32, found *Found) {
	req := &sarama.DescribeProducersRequest{}
	asked := 0
	for topic, ids := range partitions {
		asked += len(ids)
		req.Topics = append(req.Topics, sarama.DescribeProducersRequestTopic{Name: topic, PartitionIndexes: ids})
	}
	res, err := ask(ctx, f.at(ctx, addr), func(b *sarama.Broker) (*sarama.DescribeProducersResponse, error) {
		return b.DescribeProducers(req)
	})
	if err != nil {
		found.Unseen += asked
		return
	}
	for _, t := range res.Topics {
		for _, p := range t.Partitions {
			switch p.ErrorCode {
			case sarama.ErrNoError:
				found.add(t.Name, p)
			case sarama.ErrTopicAuthorizationFailed:
				found.Denied = append(found.Denied, t.Name)
			default:
				found.Unseen++
			}
		}
	}
}

func (f *Found) add(topic string, p sarama.DescribeProducersResponsePartition) {
	for _, s := range p.ActiveProducers {
		if s.CurrentTxnStartOffset >= 0 {
			f.Open = append(f.Open, Open{
				Topic: topic, Partition: p.PartitionIndex, Start: s.CurrentTxnStartOffset, ProducerID: s.ProducerID,
			})
		}
	}
}

// errAway is for a broker that does not answer.
var errAway = errors.New("the broker does not answer")

func ask[T any](ctx context.Context, c *kafka.Client, request func(*sarama.Broker) (T, error)) (T, error) {
	if c == nil {
		var none T
		return none, errAway
	}
	return kafka.Ask(ctx, c, "ask for open transactions", request)
}

// coordinators completes what is known of open transactions, and returns those that no
// coordinator has. It reports whether all brokers have answered.
func (f *finder) coordinators(ctx context.Context, open []Open) (complete bool, suspects []Open) {
	var ids []int64
	for _, o := range open {
		ids = append(ids, o.ProducerID)
	}
	complete = true
	states := map[int64]sarama.TransactionState{} // by producer id
	for _, addr := range f.addrs {
		complete = f.transactions(ctx, addr, ids, states) && complete
	}
	for i := range open {
		o := &open[i]
		s, known := states[o.ProducerID]
		if known {
			o.ID = s.TransactionalID
		}
		if !known || !has(s, o.Topic, o.Partition) {
			suspects = append(suspects, *o)
			continue
		}
		o.Timeout = s.TransactionTimeout
		if s.TransactionStartTime > 0 {
			o.Begun = time.UnixMilli(s.TransactionStartTime)
		}
	}
	return complete, suspects
}

// transactions asks one broker for the transactions of producers that it coordinates, and
// reports whether it has answered.
func (f *finder) transactions(ctx context.Context, addr string, producers []int64, states map[int64]sarama.TransactionState) bool {
	req := sarama.NewListTransactionsRequest(sarama.V3_0_0_0)
	req.ProducerIDFilters = producers
	list, err := ask(ctx, f.at(ctx, addr), func(b *sarama.Broker) (*sarama.ListTransactionsResponse, error) {
		return b.ListTransactions(req)
	})
	if err != nil || list.ErrorCode != sarama.ErrNoError {
		return false
	}
	return len(list.TransactionStates) == 0 || f.describe(ctx, addr, list, states)
}

// describe completes transactions, and reports whether their coordinator has answered.
func (f *finder) describe(
	ctx context.Context, addr string, list *sarama.ListTransactionsResponse, states map[int64]sarama.TransactionState,
) bool {
	describe := &sarama.DescribeTransactionsRequest{}
	for _, s := range list.TransactionStates {
		describe.TransactionalIDs = append(describe.TransactionalIDs, s.TransactionalID)
	}
	res, err := ask(ctx, f.at(ctx, addr), func(b *sarama.Broker) (*sarama.DescribeTransactionsResponse, error) {
		return b.DescribeTransactions(describe)
	})
	if err != nil {
		return false
	}
	for _, s := range res.TransactionStates {
		if s.ErrorCode != sarama.ErrNoError {
			return false
		}
		states[s.ProducerID] = s
	}
	return true
}

// has reports whether a transaction that is not ended has a partition.
func has(s sarama.TransactionState, topic string, partition int32) bool {
	switch s.TransactionState {
	case sarama.TransactionStateOngoing, sarama.TransactionStatePrepareCommit, sarama.TransactionStatePrepareAbort,
		sarama.TransactionStatePrepareEpochFence:
	default:
		return false
	}
	return slices.ContainsFunc(s.Topics, func(t sarama.DescribeTransactionsResponseTopic) bool {
		return t.Topic == topic && slices.Contains(t.Partitions, partition)
	})
}

// confirm looks again at transactions that no coordinator had. One that ended meanwhile is
// gone; one that is still open hangs, provided that its coordinator was heard.
func (f *finder) confirm(ctx context.Context, found *Found, topics []string, suspects []Open, complete bool) error {
	again, err := f.producers(ctx, topics)
	if err != nil {
		return err
	}
	sees := complete && f.seesAll(ctx)
	isSuspect := func(o Open) bool { return slices.ContainsFunc(suspects, o.same) }
	found.Open = slices.DeleteFunc(found.Open, func(o Open) bool {
		return isSuspect(o) && !slices.ContainsFunc(again.Open, o.same)
	})
	for i := range found.Open {
		o := &found.Open[i]
		o.Hangs = isSuspect(*o) && (o.ID != "" || sees)
	}
	return nil
}

// seesAll reports whether this principal may see every transactional id: it may see one
// that nobody has.
func (f *finder) seesAll(ctx context.Context) bool {
	c, err := f.client.TransactionCoordinator(ctx, "?")
	if err != nil {
		return false
	}
	c.Close()
	return true
}
