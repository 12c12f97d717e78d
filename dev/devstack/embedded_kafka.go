package devstack

import (
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// EmbeddedKafka is a broker inside this process that speaks the protocol but keeps records in memory alone. It lets the
// demo run where there is no Java; tests use the real one.
type EmbeddedKafka struct {
	cluster *kfake.Cluster
}

// StartEmbeddedKafka starts one broker on a free loopback port. Close ends it.
func StartEmbeddedKafka() (*EmbeddedKafka, error) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.DefaultNumPartitions(1))
	if err != nil {
		return nil, err
	}
	return &EmbeddedKafka{cluster: cluster}, nil
}

// Bootstrap is the broker's address, host:port.
func (e *EmbeddedKafka) Bootstrap() []string { return e.cluster.ListenAddrs() }

// Close ends the broker; its records are gone.
func (e *EmbeddedKafka) Close() error {
	e.cluster.Close()
	return nil
}

// RefuseProduce answers every batch of a request with an error code, where a test controls an embedded broker.
func RefuseProduce(req *kmsg.ProduceRequest, code int16) *kmsg.ProduceResponse {
	res := kmsg.NewPtrProduceResponse()
	res.Version = req.Version
	for _, rt := range req.Topics {
		st := kmsg.NewProduceResponseTopic()
		st.Topic, st.TopicID = rt.Topic, rt.TopicID
		for _, rp := range rt.Partitions {
			sp := kmsg.NewProduceResponseTopicPartition()
			sp.Partition, sp.ErrorCode = rp.Partition, code
			st.Partitions = append(st.Partitions, sp)
		}
		res.Topics = append(res.Topics, st)
	}
	return res
}
