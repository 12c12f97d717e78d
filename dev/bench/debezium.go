package main

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
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

// jvmFlags are those of connect-standalone.sh.
func jvmFlags() []string {
	return []string{
		"-Xms256M", "-Xmx2G", "-server", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-XX:InitiatingHeapOccupancyPercent=35",
		"-XX:+ExplicitGCInvokesConcurrent", "-Djava.awt.headless=true",
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
		worker := map[string]string{
			"bootstrap.servers": strings.Join(b.site.kafka, ","), "plugin.path": found.Plugins, "listeners": "http://127.0.0.1:0",
			"offset.storage.file.filename": filepath.Join(b.dir, name+".offsets"),
			"key.converter":                "org.apache.kafka.connect.storage.StringConverter",
			"value.converter":              "org.apache.kafka.connect.storage.StringConverter",
		}
		config, err := b.writeProperties(name, worker, connector)
		if err != nil {
			return nil, err
		}
		argv := append(jvmFlags(), "-cp", filepath.Join(found.Connect, "*"), "org.apache.kafka.connect.cli.ConnectStandalone")
		c, err := startChild(ctx, b.logFile(name), found.Java, append(argv, config...)...)
		if c != nil {
			c.exit = terminatedJVM
		}
		return c, err
	}
}

// terminatedJVM is the exit status of Java after SIGTERM: 128 and the signal's number.
const terminatedJVM = 143

// debeziumConnector is the connector's configuration for a slot.
func (b *bench) debeziumConnector(slot string, to route) (map[string]string, error) {
	at, err := url.Parse(b.site.postgres)
	if err != nil {
		return nil, err
	}
	set := debeziumNeeds()
	maps.Copy(set, map[string]string{
		"name": "bench", "connector.class": "io.debezium.connector.postgresql.PostgresConnector", "tasks.max": "1",
		"database.hostname": at.Hostname(), "database.port": at.Port(), "database.user": at.User.Username(), "database.password": "none",
		"database.dbname": b.database, "topic.prefix": "bench", "plugin.name": "pgoutput",
		"slot.name": slot, "publication.name": publication, "table.include.list": "public.outbox",
		"transforms.outbox.route.topic.replacement": to.prefix + ".${routedByValue}",
	})
	return set, nil
}

// writeProperties writes files of properties and returns their paths, in order.
func (b *bench) writeProperties(name string, sets ...map[string]string) ([]string, error) {
	paths := make([]string, 0, len(sets))
	for i, set := range sets {
		path := filepath.Join(b.dir, fmt.Sprintf("%s-%d.properties", name, i))
		if err := os.WriteFile(path, []byte(properties(set, "\n")), 0o600); err != nil {
			return nil, err
		}
		paths = append(paths, path)
	}
	return paths, nil
}

// properties are settings as Java has them in files, sorted.
func properties(set map[string]string, between string) string {
	lines := make([]string, 0, len(set))
	for _, key := range slices.Sorted(maps.Keys(set)) {
		lines = append(lines, fmt.Sprintf("%s=%s", key, set[key]))
	}
	return strings.Join(lines, between)
}
