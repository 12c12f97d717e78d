package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// walpostOf returns a function that starts that binary.
func (b *bench) walpostOf(binary string) func(ctx context.Context, slot string, to route) (*child, error) {
	return func(ctx context.Context, slot string, to route) (*child, error) {
		return b.startWalpost(ctx, binary, slot, to)
	}
}

func (b *bench) startWalpost(ctx context.Context, binary, slot string, to route) (*child, error) {
	name := b.name("walpost")
	file, err := b.configure(name, slot, to, "")
	if err != nil {
		return nil, err
	}
	return startChild(ctx, b.logFile(name), binary, "run", "-c", file)
}

// startExactlyOnce starts walpost with transactions, after it was told that nothing of the slot is in Kafka.
func (b *bench) startExactlyOnce(ctx context.Context, slot string, to route) (*child, error) {
	name, positions := b.name("walpost"), to.prefix+".positions"
	compacted := map[string]string{"cleanup.policy": "compact"}
	if err := b.kafka.CreateTopic(ctx, positions, 1, 1, compacted); err != nil {
		return nil, err
	}
	file, err := b.configure(name, slot, to, fmt.Sprintf(
		"delivery: {guarantee: exactly_once, transactional_id: %s, position_topic: %s}\n", name, positions))
	if err != nil {
		return nil, err
	}
	//nolint:gosec // the program under measurement
	set := exec.CommandContext(ctx, b.walpost, "position", "-c", file, "--set", "slot", "--yes")
	if out, err := set.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("walpost position: %w: %s", err, out)
	}
	return startChild(ctx, b.logFile(name), b.walpost, "run", "-c", file)
}

// configure writes a configuration that says what a user must say, which slot and topic to use, and more. The admin
// listener is on, as it is by default, but on a free port. It returns the file.
func (b *bench) configure(name, slot string, to route, more string) (file string, err error) {
	secured := ""
	if b.site.kafkaCA != "" {
		secured = fmt.Sprintf("  tls: {ca: %s}\n", b.site.kafkaCA)
	}
	text := fmt.Sprintf(`name: bench
postgres:
  url: %s
  slot: %s
  publication: %s
  create: false
outbox:
  topic: %s.{aggregatetype}
kafka:
  brokers: [%s]
%sadmin:
  listen: 127.0.0.1:0
%s`, b.site.postgres, slot, publication, to.prefix, strings.Join(b.site.kafka, ", "), secured, more)
	file = filepath.Join(b.dir, name+".yaml")
	return file, os.WriteFile(file, []byte(text), 0o600)
}
