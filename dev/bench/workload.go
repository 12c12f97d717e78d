package main

import (
	"context"
	"fmt"

	"github.com/IBM/sarama"
)

// workload is the events of one measurement and the topics they go to.
type workload struct {
	name       string // in the report
	rows       int64
	perTx      int64 // rows of one transaction
	payload    int   // bytes
	topics     int
	partitions int32             // of each topic
	replicas   int16             // of each partition
	config     map[string]string // of each topic
}

// Most parts measure this; `make bench` nothing else.
const (
	usualPayload    = 250
	usualPartitions = 4
)

// usual is the workload that the documentation gives, in transactions of so many rows.
func usual(name string, rows, perTx int64) workload {
	return workload{name: name, rows: rows, perTx: perTx, payload: usualPayload, topics: 1, partitions: usualPartitions, replicas: 1}
}

// route is where events go: each to prefix.aggregatetype.
type route struct {
	prefix     string
	topics     []string
	partitions int32
	opened     int64 // records that were there before
}

// createRoute creates the topics of a workload.
func (b *bench) createRoute(ctx context.Context, name string, w workload) (route, error) {
	to := route{prefix: b.name(name), partitions: w.partitions}
	for i := range w.topics {
		topic := fmt.Sprintf("%s.order-%d", to.prefix, i)
		if err := b.kafka.CreateTopic(ctx, topic, w.partitions, w.replicas, w.config); err != nil {
			return to, err
		}
		to.topics = append(to.topics, topic)
	}
	return to, b.client.RefreshMetadata(to.topics...)
}

func (b *bench) deleteRoute(ctx context.Context, to route) error {
	for _, topic := range to.topics {
		if err := b.kafka.DeleteTopic(ctx, topic); err != nil {
			return err
		}
	}
	return nil
}

// endOffsets returns how many records have come into a route, in one request to each
// broker.
func (b *bench) endOffsets(to route) (int64, error) {
	requests := map[*sarama.Broker]*sarama.OffsetRequest{}
	for _, topic := range to.topics {
		for p := range to.partitions {
			leader, err := b.client.Leader(topic, p)
			if err != nil {
				return 0, err
			}
			if requests[leader] == nil {
				requests[leader] = &sarama.OffsetRequest{Version: 1}
			}
			requests[leader].AddBlock(topic, p, sarama.OffsetNewest, 1)
		}
	}
	sum := -to.opened
	for leader, request := range requests {
		n, err := sumOffsets(leader, request)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

// sumOffsets asks a broker, and adds up what it answers.
func sumOffsets(leader *sarama.Broker, request *sarama.OffsetRequest) (sum int64, err error) {
	response, err := leader.GetAvailableOffsets(request)
	if err != nil {
		return 0, err
	}
	for topic, blocks := range response.Blocks {
		for p, block := range blocks {
			if block.Err != sarama.ErrNoError {
				return 0, fmt.Errorf("end offset of %s/%d: %w", topic, p, block.Err)
			}
			sum += block.Offset
		}
	}
	return sum, nil
}
