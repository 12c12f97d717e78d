package relay

import (
	"context"
	"sync/atomic"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/internal/postgres/catalog"
)

// catalogCheck is what decides which rows are in the stream, as the guard saw it last. The
// guard writes it, and the pruner compares with it.
type catalogCheck struct {
	last    atomic.Pointer[catalog.Snapshot]
	checked atomic.Bool // the guard has checked once
}

// compare returns what is there now, and how it differs from what the guard saw last.
// Before the guard's first check, it returns what is wrong instead.
func (c *catalogCheck) compare(ctx context.Context, conn *pgx.Conn, o *Options) (now *catalog.Snapshot, change, err error) {
	if now, err = catalog.ReadSnapshot(ctx, conn, o.Objects, o.Columns); err != nil {
		return nil, nil, err
	}
	if last := c.last.Load(); last != nil {
		return now, last.Changed(now, o.Objects), nil
	}
	return now, now.Complete(o.Objects), nil
}
