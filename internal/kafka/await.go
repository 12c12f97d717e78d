package kafka

import (
	"context"
	"fmt"
	"time"

	"github.com/walpost/walpost/internal/backoff"
)

// exchangeTimeout bounds one exchange with a broker, from the dial on. A frozen broker
// accepts the connection and holds it for several timeouts of sarama's.
const exchangeTimeout = netTimeout + ProduceTimeout

// await runs one blocking call of sarama's, which knows no context, for at most
// exchangeTimeout. A call that is given up ends by its own timeouts; what it returns
// then goes to abandon, if that is not nil.
func await[T any](ctx context.Context, call func() (T, error), abandon func(T)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	answers := make(chan answer, 1)
	go func() {
		v, err := call()
		answers <- answer{v, err}
	}()
	timer := time.NewTimer(exchangeTimeout)
	defer timer.Stop()
	var err error
	select {
	case a := <-answers:
		return a.value, a.err
	case <-ctx.Done():
		err = ctx.Err()
	case <-timer.C:
		err = fmt.Errorf("no answer within %v: %w", exchangeTimeout, context.DeadlineExceeded)
	}
	if abandon != nil {
		go func() {
			if a := <-answers; a.err == nil {
				abandon(a.value)
			}
		}()
	}
	var none T
	return none, err
}

// What a moving cluster will answer soon is asked for again: so often, with this pause.
const (
	pollAttempts = 25
	pollEvery    = 200 * time.Millisecond
)

// Poll calls done until it reports true, a bounded number of times with a pause between
// them. It returns an error only when ctx ends before.
func Poll(ctx context.Context, done func() bool) error {
	for attempt := 0; !done() && attempt < pollAttempts; attempt++ {
		if err := backoff.Sleep(ctx, pollEvery); err != nil {
			return err
		}
	}
	return nil
}
