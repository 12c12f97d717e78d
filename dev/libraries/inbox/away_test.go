package inbox_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/dev/devstack/pause"
	"github.com/walpost/walpost/pkg/inbox"
)

// While Kafka is away nothing ends; what is in hand goes on, and so does the rest
// when it is back. A dead letter waits for it too.
func TestKafkaAway(t *testing.T) {
	t.Parallel()
	kafka := devstacktest.StartKafka(t, devstack.KafkaOptions{})
	f := fixtureIn(t, stack.Database(t), kafka, 2)
	config := f.config(t)
	inHand, away := make(chan struct{}), make(chan struct{})
	f.events(t, 0, 20, 5)
	f.send(t, f.message("bad", "k1"))
	f.events(t, 20, 20, 5)
	m := f.start(t, config, func(ctx context.Context, tx pgx.Tx, e *inbox.Event) error {
		if e.ID == "bad" {
			select {
			case inHand <- struct{}{}:
				<-away
			default: // it comes again
			}
		}
		return poison(ctx, tx, e)
	})
	<-inHand
	if err := kafka.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	close(away)
	pause.Real(t, 3*time.Second, "the outage lasts")
	select {
	case <-m.done:
		t.Fatalf("ended with %v", m.err)
	default:
	}
	if err := kafka.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.once(t, 40)
	devstacktest.Await(t, "all marked", func() bool { return f.committed(t, config.Group) == 41 })
	if records, _ := f.letters(t); len(records) == 0 {
		t.Error("no dead letter")
	}
	m.end(t)
}
