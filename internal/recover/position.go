package recover

import (
	"context"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/reposition"
	"github.com/walpost/walpost/internal/wiring"
)

// setPosition lets a relay with delivery.guarantee: exactly_once begin where the new slot
// does: what comes before it is published. It replaces any position, also one that a relay
// could go on from: that may be of another life of the server, whose LSNs this one has
// reached since.
func (r *Recovery) setPosition(ctx context.Context, point pgoutput.LSN) error {
	if !r.Config.Delivery.ExactlyOnce() {
		return nil
	}
	slot, _, err := reposition.Slot(ctx, r.Config)
	if err != nil {
		return err
	}
	slot.Confirmed = point
	return reposition.Set(ctx, r.Config, slot.First(wiring.Host()), r.Log)
}
