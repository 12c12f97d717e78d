package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/dev/devstack"
)

// broker is Kafka, or what stands in for it.
type broker interface {
	name() string    // with its version
	address() string // host:port
	log() string     // the end of it
	close() error
}

// startKafka starts the real one, or the embedded one where it cannot be had.
func startKafka(ctx context.Context, s *screen) (broker, error) {
	k, err := devstack.StartKafka(ctx, devstack.KafkaOptions{QuickStart: true, Progress: s.indented()})
	if ctx.Err() == nil && (errors.Is(err, devstack.ErrNoJava) || errors.Is(err, devstack.ErrNoMaven)) {
		s.say("  %s", err)
		return startEmbedded(s)
	}
	if err != nil {
		return nil, err
	}
	return kafka{k}, nil
}

// kafka is the real one.
type kafka struct{ *devstack.Kafka }

func (k kafka) name() string {
	return "Kafka " + versionOf(k.Brokers()[0].PID())
}
func (k kafka) address() string { return k.Bootstrap(devstack.Plaintext)[0] }
func (k kafka) log() string     { return k.Brokers()[0].LogTail() }
func (k kafka) close() error    { return k.Close() }

// versionOf reads Kafka's version from the path of the jars on the command line of its process; "" where that cannot be
// read.
func versionOf(pid int) string {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return ""
	}
	if match := regexp.MustCompile(`/kafka-(\d[\d.]*)/`).FindSubmatch(line); match != nil {
		return string(match[1])
	}
	return ""
}

// embedded stands in for Kafka.
type embedded struct{ *devstack.EmbeddedKafka }

func startEmbedded(s *screen) (broker, error) {
	s.say("  This is not the real Kafka but an embedded broker: it speaks the protocol and keeps records in memory.")
	e, err := devstack.StartEmbeddedKafka()
	if err != nil {
		return nil, fmt.Errorf("start the embedded broker: %w", err)
	}
	return embedded{e}, nil
}

func (e embedded) name() string    { return "Embedded broker" }
func (e embedded) address() string { return e.Bootstrap()[0] }
func (e embedded) log() string     { return "(the embedded broker has no log)" }
func (e embedded) close() error    { return e.Close() }

// createTopic creates the topic as its owner would.
func createTopic(b broker) error {
	admin, err := sarama.NewClusterAdmin([]string{b.address()}, kafkaConfig())
	if err == nil {
		err = errors.Join(admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: partitions, ReplicationFactor: 1}, false),
			admin.Close())
	}
	if err != nil {
		return withLog(fmt.Errorf("create topic %s: %w", topic, err), b.name(), b.log())
	}
	return nil
}

// kafkaConfig is that of the demo's own clients.
func kafkaConfig() *sarama.Config {
	c := sarama.NewConfig()
	c.ClientID = "demo"
	return c
}
