package attempt_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/walpost/walpost/pkg/inbox/internal/attempt"
)

// A session that ends while a transaction begins ends the attempt at once, and from then on
// it is the attempt's time that ends it.
func TestAttemptEndsWithTheSessionUntilItHasBegun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		session, end := context.WithCancel(t.Context())
		ended := errors.New("the session has ended")
		var late, begun attempt.Attempt
		late.Open(session, time.Minute, ended)
		begun.Open(session, time.Minute, ended)
		ctx := begun.Begin()
		end()
		if ctx := late.Begin(); ctx.Err() == nil || context.Cause(ctx) != ended { //nolint:errorlint // as it is
			t.Error("an attempt begins after its session")
		}
		synctest.Wait()
		if at, ok := ctx.Deadline(); !ok || time.Until(at) != time.Minute {
			t.Errorf("deadline %v", at)
		}
		if ctx.Err() != nil {
			t.Errorf("%v: what is in hand ends with the session", ctx.Err())
		}
		<-ctx.Done()
		if cause := context.Cause(ctx); !errors.Is(cause, context.DeadlineExceeded) || !errors.Is(ctx.Err(), context.DeadlineExceeded) {
			t.Errorf("%v, %v", cause, ctx.Err())
		}
		late.Close()
		begun.Close()
	})
}
