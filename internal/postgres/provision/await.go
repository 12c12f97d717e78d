package provision

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/postgres/catalog"
)

// AwaitSlot waits for a slot that another connection is creating, and reports whether it
// exists then.
func AwaitSlot(ctx context.Context, conn *pgx.Conn, slot string) (bool, error) {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		info, err := catalog.FindSlot(ctx, conn, slot)
		if err != nil {
			return false, postgres.Classify("read slot "+slot, err)
		}
		if info == nil || !info.Making() {
			return info != nil, nil
		}
		select {
		case <-ctx.Done():
			return false, postgres.Classify("wait for slot "+slot, ctx.Err())
		case <-tick.C:
		}
	}
}
