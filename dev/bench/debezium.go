package main

import (
	"context"
	"maps"
	"strings"

	"github.com/walpost/walpost/dev/devstack"
)

// debeziumNeeds are the settings without which the connector would not publish the same records as the others: converters
// that leave the text alone, and no second copy of the rows by a snapshot.
func debeziumNeeds() map[string]string {
	return map[string]string{
		"snapshot.mode":               "no_data",
		"publication.autocreate.mode": "disabled",
		"key.converter":               "org.apache.kafka.connect.storage.StringConverter",
		"value.converter":             "org.apache.kafka.connect.storage.StringConverter",
		"transforms":                  "outbox",
		"transforms.outbox.type":      "io.debezium.transforms.outbox.EventRouter",
		"transforms.outbox.table.fields.additional.placement": "type:header:eventType",
	}
}

// debeziumTuning returns what raises its rate and lowers its delay: larger batches and
// queues, a short poll, and a producer that fills and compresses its requests.
func debeziumTuning() map[string]string {
	return map[string]string{
		"max.batch.size":                     "16384",
		"max.queue.size":                     "65536",
		"poll.interval.ms":                   "5",
		"extended.headers.enabled":           "false",
		"producer.override.linger.ms":        "5",
		"producer.override.batch.size":       "524288",
		"producer.override.buffer.memory":    "134217728",
		"producer.override.compression.type": "lz4",
	}
}

// debeziumWith starts Debezium's connector in a standalone worker of Kafka Connect.
func (b *bench) debeziumWith(tuning map[string]string) func(context.Context, string, route) (*child, error) {
	return func(ctx context.Context, slot string, to route) (*child, error) {
		found, err := devstack.FindDebezium(ctx, b.progress)
		if err != nil {
			return nil, err
		}
		connector, err := b.debeziumConnector(slot, to)
		if err != nil {
			return nil, err
		}
		maps.Copy(connector, tuning)
		name := b.name("debezium")
		argv, err := found.Command(&devstack.ConnectWorker{
			Dir: b.dir, Name: name, Connectors: []map[string]string{connector},
			Settings: map[string]string{"bootstrap.servers": strings.Join(b.site.kafka, ",")},
		})
		if err != nil {
			return nil, err
		}
		c, err := startChild(ctx, b.logFile(name), argv[0], argv[1:]...)
		if c != nil {
			c.exit = devstack.TerminatedJVM
		}
		return c, err
	}
}

// debeziumConnector is the connector's configuration for a slot.
func (b *bench) debeziumConnector(slot string, to route) (map[string]string, error) {
	set, err := devstack.DebeziumConnector(b.site.postgres, b.database)
	if err != nil {
		return nil, err
	}
	maps.Copy(set, debeziumNeeds())
	maps.Copy(set, map[string]string{
		"name": "bench", "topic.prefix": "bench", "slot.name": slot, "publication.name": publication, "table.include.list": "public.outbox",
		"transforms.outbox.route.topic.replacement": to.prefix + ".${routedByValue}",
	})
	return set, nil
}
