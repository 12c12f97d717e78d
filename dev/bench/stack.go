package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/IBM/sarama"
	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/dev/devstack"
)

const (
	publication = "bench"
	brokerHeap  = 1024 // MiB
)

// bench is the servers and what is known of them.
type bench struct {
	options
	progress io.Writer
	axis     string // what differs between the cases of the part; "": the rows of a transaction
	began    time.Time

	postgres    *devstack.Postgres
	database    string
	kafka       *devstack.Kafka
	client      sarama.Client
	conn        *pgx.Conn
	recvlogical string
	ca          *devstack.CA // of the servers with TLS
	site        site
	dir         string // configurations and logs of the programs under measurement
	names       int
	next        int64 // number of the next event
}

// postgresSettings keep the server's own work out of the measurement: the backlog's dirty pages are written by a
// CHECKPOINT after the fill, and no vacuum runs beside a drain.
func postgresSettings() map[string]string {
	return map[string]string{
		"autovacuum": "off", "checkpoint_timeout": "1h", "max_wal_size": "32GB",
	}
}

// kafkaSettings free the disk soon after a topic was deleted.
func kafkaSettings() map[string]string {
	return map[string]string{"log.segment.delete.delay.ms": "1000"}
}

// newBench sets up what needs no servers.
func newBench(o options, progress io.Writer) (*bench, error) {
	b := &bench{options: o, progress: progress, began: time.Now(), database: "postgres"}
	var err error
	b.dir, err = os.MkdirTemp("", "walpost-bench-")
	return b, err
}

// close ends everything that was started.
func (b *bench) close() error {
	return errors.Join(b.stopServers(), os.RemoveAll(b.dir))
}

// say tells a person who waits what is going on.
func (b *bench) say(format string, args ...any) {
	_, _ = fmt.Fprintf(b.progress, "%4.0fs  %s\n", time.Since(b.began).Seconds(), fmt.Sprintf(format, args...))
}

// caseLabel is a case in words.
func (b *bench) caseLabel(name string) string {
	if b.axis == "" {
		return label(name)
	}
	return b.axis + ": " + name
}

// name returns a name that was not used before.
func (b *bench) name(prefix string) string {
	b.names++
	return fmt.Sprintf("%s_%d", prefix, b.names)
}

// logFile returns where the output of a program goes.
func (b *bench) logFile(name string) string { return filepath.Join(b.dir, name+".log") }
