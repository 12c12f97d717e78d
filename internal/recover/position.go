package recover

import (
	"context"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/reposition"
)

// setPosition lets a relay with delivery.guarantee: exactly_once begin where the new slot
// does: what comes before it is published.
func (r *Recovery) setPosition(ctx context.Context, point pgoutput.LSN) error {
	if !r.Config.Delivery.ExactlyOnce() {
		return nil
	}
	slot, _, err := reposition.Slot(ctx, r.Config)
	if err != nil {
		return err
	}
	slot.Confirmed = point
	return reposition.Begin(ctx, r.Config, slot, r.Log)
}
