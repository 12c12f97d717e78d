package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// walpostOf returns a function that starts that binary.
func (b *bench) walpostOf(binary string) func(ctx context.Context, slot string, to route) (*child, error) {
	return func(ctx context.Context, slot string, to route) (*child, error) {
		return b.startWalpost(ctx, binary, slot, to)
	}
}

// startWalpost starts a binary with a configuration that says what a user must say, and which slot and topic to
// use. The admin listener is on, as it is by default, but on a free port.
func (b *bench) startWalpost(ctx context.Context, binary, slot string, to route) (*child, error) {
	name, secured := b.name("walpost"), ""
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
`, b.site.postgres, slot, publication, to.prefix, strings.Join(b.site.kafka, ", "), secured)
	file := filepath.Join(b.dir, name+".yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	return startChild(ctx, b.logFile(name), binary, "run", "-c", file)
}
