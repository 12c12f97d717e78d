package inbox_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/walpost/walpost/pkg/inbox"
)

// A session that ends while a transaction begins ends the attempt at once, and from then on
// it is the attempt's time that ends it.
func TestAttemptEndsWithTheSessionUntilItHasBegun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		session, end := context.WithCancel(t.Context())
		late := inbox.NewAttempt(session, time.Minute)
		begun := inbox.NewAttempt(session, time.Minute)
		ctx, release := begun.Begun()
		defer release()
		end()
		if ended, release := late.Begun(); ended.Err() == nil {
			release()
			t.Error("an attempt begins after its session")
		}
		synctest.Wait()
		if ctx.Err() != nil {
			t.Errorf("%v: what is in hand ends with the session", ctx.Err())
		}
		<-ctx.Done()
		if cause := context.Cause(ctx); !errors.Is(cause, context.DeadlineExceeded) {
			t.Errorf("%v", cause)
		}
		late.Close()
		begun.Close()
	})
}
