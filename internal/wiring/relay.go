package wiring

import (
	"context"

	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/kafka"
	"github.com/walpost/walpost/internal/kafka/topics"
	"github.com/walpost/walpost/internal/preflight"
	"github.com/walpost/walpost/internal/producer"
	"github.com/walpost/walpost/internal/relay"
	"github.com/walpost/walpost/internal/router"
)

// NewRelay returns the relay of a configuration. Nothing is contacted until it runs.
func NewRelay(cfg *config.Config, observer relay.Observer, log *zap.Logger) (*relay.Relay, error) {
	opts, err := relayOptions(cfg)
	if err != nil {
		return nil, err
	}
	return relay.New(opts, observer, log), nil
}

func relayOptions(cfg *config.Config) (relay.Options, error) {
	rt, err := router.New(Mapping(cfg))
	if err != nil {
		return relay.Options{}, err
	}
	letters, err := DeadLetters(cfg)
	if err != nil {
		return relay.Options{}, err
	}
	connection := Kafka(cfg)
	mechanism, cleartext := connection.Cleartext()
	if !cleartext {
		mechanism = ""
	}
	return relay.Options{
		Name: cfg.Name, Target: Target(cfg), Objects: Names(cfg), Columns: Columns(cfg), Prefix: cfg.Outbox.Prefix,
		Expectations: func() (preflight.PostgresExpectations, error) { return Wanted(cfg, nil) },
		Failover:     cfg.Postgres.Failover,
		Router:       rt, DeadLetters: letters, OnReject: OnReject(cfg), RejectHint: RejectHint(OnReject(cfg)),
		Producer: func(observer producer.Observer, log *zap.Logger) (producer.Options, error) {
			return ProducerOptions(cfg, observer, log)
		},
		MaxMessageBytes: int(cfg.Kafka.MaxMessageBytes), Cleartext: mechanism,
		Describe: func(ctx context.Context, names []string) ([]topics.Topic, error) {
			return describeTopics(ctx, connection, names)
		},
		Prune: relayPrune(cfg), HibernateAfter: cfg.Postgres.HibernateAfter, ShutdownTimeout: cfg.ShutdownTimeout, Hints: HintsOf(cfg),
	}, nil
}

func relayPrune(cfg *config.Config) *relay.Prune {
	if p := Pruning(cfg); p != nil {
		return &relay.Prune{Pruning: *p, Every: cfg.Outbox.Prune.Every}
	}
	return nil
}

// describeTopics asks Kafka over a connection of its own.
func describeTopics(ctx context.Context, connection kafka.Options, names []string) ([]topics.Topic, error) {
	client, err := topics.OpenAdmin(ctx, connection)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	return client.Describe(ctx, names...)
}
