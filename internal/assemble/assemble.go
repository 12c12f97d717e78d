// Package assemble builds a relay from a configuration. It stands apart from wiring, so
// that commands without a relay do not depend on it.
package assemble

import (
	"context"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/kafka"
	"github.com/walpost/walpost/internal/kafka/topics"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/preflight"
	"github.com/walpost/walpost/internal/producer"
	"github.com/walpost/walpost/internal/relay"
	"github.com/walpost/walpost/internal/relay/resume"
	"github.com/walpost/walpost/internal/router"
	"github.com/walpost/walpost/internal/wiring"
)

// Relay returns the relay of a configuration. Nothing is contacted until it runs.
func Relay(cfg *config.Config, observer relay.Observer, log *zap.Logger) (*relay.Relay, error) {
	opts, err := relayOptions(cfg)
	if err != nil {
		return nil, err
	}
	return relay.New(opts, observer, log), nil
}

func relayOptions(cfg *config.Config) (relay.Options, error) {
	rt, err := router.New(wiring.Mapping(cfg))
	if err != nil {
		return relay.Options{}, err
	}
	letters, err := wiring.DeadLetters(cfg)
	if err != nil {
		return relay.Options{}, err
	}
	connection := wiring.Kafka(cfg)
	mechanism, cleartext := connection.Cleartext()
	if !cleartext {
		mechanism = ""
	}
	return relay.Options{
		Name: cfg.Name, Target: wiring.Target(cfg), Objects: wiring.Names(cfg), Columns: wiring.Columns(cfg), Prefix: cfg.Outbox.Prefix,
		Expectations: func(ctx context.Context, conn *pgx.Conn, t *catalog.Table) (preflight.PostgresExpectations, error) {
			if err := wiring.LearnTable(ctx, conn, cfg, rt, t); err != nil {
				return preflight.PostgresExpectations{}, err
			}
			return wiring.Wanted(cfg, nil)
		},
		Failover: cfg.Postgres.Failover,
		Router:   rt, DeadLetters: letters, OnReject: wiring.OnReject(cfg), RejectHint: wiring.RejectHint(wiring.OnReject(cfg)),
		Producer: func(observer producer.Observer, log *zap.Logger) (producer.Options, error) {
			return wiring.ProducerOptions(cfg, observer, log)
		},
		MaxMessageBytes: int(cfg.Kafka.MaxMessageBytes), Cleartext: mechanism,
		Describe: func(ctx context.Context, names []string) ([]topics.Topic, error) {
			return describeTopics(ctx, connection, names)
		},
		ExactlyOnce: exactlyOnce(cfg, connection),
		Prune:       relayPrune(cfg), HibernateAfter: cfg.Postgres.HibernateAfter, ShutdownTimeout: cfg.ShutdownTimeout,
		Hints: wiring.HintsOf(cfg),
	}, nil
}

// exactlyOnce returns how positions are kept, nil under at_least_once.
func exactlyOnce(cfg *config.Config, connection kafka.Options) *resume.Options {
	if !cfg.Delivery.ExactlyOnce() {
		return nil
	}
	e := &resume.Options{
		Kafka: connection, Log: wiring.PositionLog(cfg), Timeout: wiring.TransactionTimeout,
		Source: wiring.PositionSource(cfg), Host: wiring.Host(), Hints: wiring.HintsOf(cfg),
	}
	if cfg.Kafka.Topics.Create {
		e.Create = func(ctx context.Context) error { return createTopic(ctx, connection, wiring.PositionTopic(cfg)) }
	}
	return e
}

func createTopic(ctx context.Context, connection kafka.Options, spec topics.Spec) error {
	admin, err := topics.OpenAdmin(ctx, connection)
	if err != nil {
		return err
	}
	defer admin.Close()
	_, err = admin.Create(ctx, spec)
	return err
}

func relayPrune(cfg *config.Config) *relay.Prune {
	if p := wiring.Pruning(cfg); p != nil {
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
