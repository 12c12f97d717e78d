package cli

import (
	"context"
	"strings"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/replication"
)

// checkKafka judges the cluster and the topics.
func checkKafka(ctx context.Context, cfg *config.Config, _ []string) []replication.Requirement {
	client, err := openKafka(ctx, cfg)
	if err != nil {
		return []replication.Requirement{{Name: "connection", State: replication.Failed, Detail: err.Error()}}
	}
	defer client.Close()
	return []replication.Requirement{{Name: "connection", State: replication.OK, Detail: strings.Join(cfg.Kafka.Brokers, ", ")}}
}
