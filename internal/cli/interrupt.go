package cli

import (
	"context"
	"os/signal"
	"syscall"
)

// interruptible ends its context at SIGINT or SIGTERM, for commands that have
// nothing to bring to an end.
func interruptible(ctx context.Context) (context.Context, context.CancelFunc) {
	return signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
}
