package cli

import (
	"context"

	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/kafka/topics"
	"github.com/walpost/walpost/internal/reposition"
	"github.com/walpost/walpost/internal/wiring"
)

// position creates the topic of positions, and writes the first position of a slot that
// this run has made. Where the slot was there before, only an operator knows what of it
// was published.
func (i *initializer) position(ctx context.Context, client topics.Admin) error {
	if err := i.topic(ctx, client, i.cfg.Delivery.PositionTopic); err != nil || i.dryRun {
		return err
	}
	st := step{Kind: kindPosition, Name: i.cfg.Delivery.TransactionalID, Action: actionExists}
	value, err := reposition.Read(ctx, i.cfg)
	switch {
	case err != nil:
		return err
	case len(value) > 0 && !i.newSlot:
	case !i.newSlot:
		st.Action = actionMissing
		st.Detail = "the slot was there before: `walpost position -c " + i.cfg.File + " --set slot` lets the relay begin where it " +
			"is confirmed"
	default:
		if err := i.firstPosition(ctx); err != nil {
			return err
		}
		st.Action = actionCreated
	}
	i.step(st)
	return nil
}

func (i *initializer) firstPosition(ctx context.Context) error {
	slot, _, err := reposition.Slot(ctx, i.cfg)
	if err != nil {
		return err
	}
	return reposition.Set(ctx, i.cfg, slot.First(wiring.Host()), zap.NewNop())
}
