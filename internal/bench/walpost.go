package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/walpost/walpost/internal/devstack"
)

// startWalpost starts the real binary with a configuration that says what a user must say, and which slot and topic to
// use. The admin listener is on, as it is by default, but on a free port.
func (b *bench) startWalpost(ctx context.Context, slot, topic string) (*child, error) {
	name := b.name("walpost")
	text := fmt.Sprintf(`name: bench
postgres:
  url: %s
  slot: %s
  publication: %s
  create: false
outbox:
  topic: %s
kafka:
  brokers: [%s]
admin:
  listen: 127.0.0.1:0
`, b.postgres.URL(b.database), slot, publication, topic, b.kafka.Bootstrap(devstack.Plaintext)[0])
	file := filepath.Join(b.dir, name+".yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	return startChild(ctx, b.logFile(name), b.walpost, "run", "-c", file)
}
