// Package reposition reads and sets the position of a relay with delivery.guarantee:
// exactly_once while the relay does not run.
//
// It knows the configuration, the slot, the position and how a producer writes it. It must
// not know the relay or flags.
package reposition

import (
	"context"
	"errors"
	"fmt"

	"github.com/IBM/sarama"
	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/kafka/topics"
	"github.com/walpost/walpost/internal/notify"
	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/position"
	"github.com/walpost/walpost/internal/position/transactions"
	"github.com/walpost/walpost/internal/producer"
	"github.com/walpost/walpost/internal/producer/transaction"
	"github.com/walpost/walpost/internal/replication"
	"github.com/walpost/walpost/internal/wiring"
)

// Slot returns the slot of a configuration, and whether a relay streams from it. A slot that
// does not exist has no name.
func Slot(ctx context.Context, cfg *config.Config) (slot position.Slot, active bool, err error) {
	target, name := wiring.Target(cfg), cfg.Postgres.Slot
	s, err := replication.Open(ctx, target, name)
	if err != nil {
		return position.Slot{}, false, err
	}
	defer s.Close(ctx)
	if !s.Slot.Exists {
		return position.Slot{}, false, nil
	}
	return position.Slot{
		Name: name, System: s.SystemID, Timeline: s.Timeline, Source: wiring.PositionSource(cfg), Confirmed: s.Slot.Confirmed,
		Flushed: s.Flushed,
		SwitchPoint: func(ctx context.Context, before int32) (point pgoutput.LSN, unrelated, err error) {
			return replication.FindSwitchPoint(ctx, target, name, before)
		},
	}, s.Slot.Active, nil
}

// Read returns the value of the newest position, nil when there is none, or no topic of
// positions.
func Read(ctx context.Context, cfg *config.Config) ([]byte, error) {
	value, err := wiring.PositionLog(cfg).Newest(ctx, wiring.Kafka(cfg))
	if errors.Is(err, sarama.ErrUnknownTopicOrPartition) {
		return nil, nil
	}
	return value, err
}

// Set writes a position. It ends a relay that runs with the same transactional id, and
// creates the topic of positions if there is none.
func Set(ctx context.Context, cfg *config.Config, p position.Position, log *zap.Logger) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	connection, positions := wiring.Kafka(cfg), wiring.PositionLog(cfg)
	if err := createTopic(ctx, cfg); err != nil {
		return err
	}
	progress := notify.NewSignal()
	opts, err := wiring.ProducerOptions(cfg, producer.NopObserver{}, log)
	if err != nil {
		return err
	}
	opts.Progress, opts.Changed = progress.Notify, progress.Notify
	opts.Transactions = transactions.New(transactions.Options{
		Kafka: connection, Positions: positions, Timeout: wiring.TransactionTimeout, Log: log,
		Of: func() position.Position { return p },
	})
	w := producer.New(ctx, opts)
	defer w.Close()
	err = w.Fence(ctx)
	if refused, ok := errors.AsType[*transaction.RefusedError](err); ok {
		return fmt.Errorf("%w; %s", err, refused.Hint)
	}
	if err != nil {
		return err
	}
	before, err := positions.Newest(ctx, connection)
	if err != nil {
		return err
	}
	w.Resume(before, p.Event, p.Complete)
	return written(ctx, w, progress, connection.Grant("topic", positions.Topic, "Read", "Write"))
}

// written waits until the position is in Kafka, or may not be written there for want of a
// right, which grant gives.
func written(ctx context.Context, w *producer.Producer, progress notify.Signal, grant string) error {
	for {
		if halt := w.Halted(); halt != nil {
			return halt
		}
		if w.Idle() {
			return nil
		}
		if denied := w.Health().Denied; len(denied) > 0 {
			return errors.New("the position may not be written: topic " + denied[0] + "; " + grant)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-progress:
		}
	}
}

func createTopic(ctx context.Context, cfg *config.Config) error {
	admin, err := topics.OpenAdmin(ctx, wiring.Kafka(cfg))
	if err != nil {
		return err
	}
	defer admin.Close()
	found, err := admin.Describe(ctx, cfg.Delivery.PositionTopic)
	if err != nil || found[0].Exists || found[0].Err != nil { // reading it says why it cannot be seen
		return err
	}
	_, err = admin.Create(ctx, wiring.PositionTopic(cfg))
	return err
}
