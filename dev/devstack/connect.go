package devstack

import (
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// ConnectWorker is a standalone worker of Kafka Connect, and the connectors that it runs.
type ConnectWorker struct {
	// Dir has its files: properties, and the offsets of its connectors, which a second worker of that name goes on from.
	Dir, Name string
	// JVM are the flags of its virtual machine; nil: those of connect-standalone.sh.
	JVM []string
	// Settings are those of the worker beyond the ones that it needs; bootstrap.servers must be among them.
	Settings map[string]string
	// Connectors are the configurations of its connectors.
	Connectors []map[string]string
}

// OffsetFile has the offsets of its connectors.
func (w *ConnectWorker) OffsetFile() string { return filepath.Join(w.Dir, w.Name+".offsets") }

// scriptJVM are the flags of connect-standalone.sh.
func scriptJVM() []string {
	return []string{
		"-Xms256M", "-Xmx2G", "-server", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-XX:InitiatingHeapOccupancyPercent=35",
		"-XX:+ExplicitGCInvokesConcurrent",
	}
}

// TerminatedJVM is the exit status of Java after SIGTERM: 128 and the signal's number.
const TerminatedJVM = 143

// Command writes the files of a worker, and returns the command line that starts it.
func (d *Debezium) Command(w *ConnectWorker) (argv []string, err error) {
	worker := map[string]string{
		"plugin.path": d.Plugins, "listeners": "http://" + loopback + ":0",
		"offset.storage.file.filename": w.OffsetFile(),
		"key.converter":                "org.apache.kafka.connect.storage.StringConverter",
		"value.converter":              "org.apache.kafka.connect.storage.StringConverter",
	}
	maps.Copy(worker, w.Settings)
	jvm := w.JVM
	if jvm == nil {
		jvm = scriptJVM()
	}
	argv = append([]string{d.Java, "-Djava.awt.headless=true"}, jvm...)
	argv = append(argv, "-cp", filepath.Join(d.Connect, "*"), "org.apache.kafka.connect.cli.ConnectStandalone")
	for i, set := range append([]map[string]string{worker}, w.Connectors...) {
		path := filepath.Join(w.Dir, fmt.Sprintf("%s-%d.properties", w.Name, i))
		if err := os.WriteFile(path, []byte(Properties(set, "\n")), 0o600); err != nil {
			return nil, err
		}
		argv = append(argv, path)
	}
	return argv, nil
}

// DebeziumConnector says what Debezium's Postgres connector needs to reach a database that asks for no password. Its name,
// its slot and what it makes of the rows are the caller's.
func DebeziumConnector(postgres, database string) (map[string]string, error) {
	at, err := url.Parse(postgres)
	if err != nil {
		return nil, err
	}
	return map[string]string{
		"connector.class": "io.debezium.connector.postgresql.PostgresConnector", "tasks.max": "1", "plugin.name": "pgoutput",
		"database.hostname": at.Hostname(), "database.port": at.Port(), "database.user": at.User.Username(), "database.password": "none",
		"database.dbname": database,
	}, nil
}

// Properties are settings as Java has them in files, sorted.
func Properties(set map[string]string, between string) string {
	lines := make([]string, 0, len(set))
	for _, key := range slices.Sorted(maps.Keys(set)) {
		lines = append(lines, fmt.Sprintf("%s=%s", key, set[key]))
	}
	return strings.Join(lines, between)
}
