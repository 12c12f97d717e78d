package inbox_test

import (
	"context"
	"testing"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/pkg/inbox"
)

// watching is a store that watches its context at each statement, as pgx does.
type watching struct{ rows int64 }

func (w *watching) Transact(ctx context.Context, do func(int) error) error {
	watch(ctx) // BEGIN
	if err := do(0); err != nil {
		return err
	}
	watch(ctx) // COMMIT
	return nil
}

func (w *watching) Exec(ctx context.Context, _ int, _ string, _ ...any) (int64, error) {
	watch(ctx)
	return w.rows, nil
}

func watch(ctx context.Context) { context.AfterFunc(ctx, func() {})() }

// What an event costs beside the driver and sarama does not grow unseen.
func TestAllocationsOfAnEvent(t *testing.T) {
	m := &sarama.ConsumerMessage{
		Topic: "orders", Key: []byte("key"), Value: []byte("payload"),
		Headers: []*sarama.RecordHeader{
			{Key: []byte("id"), Value: []byte("0190a5dac96774bbcceb302099a8057")}, {Key: []byte("eventType"), Value: []byte("OrderPlaced")},
		},
	}
	store := &watching{rows: 1}
	one, many := inbox.Processing(inbox.Config{Group: "payments"}, inbox.DB[int]{Transact: store.Transact, Exec: store.Exec},
		func(ctx context.Context, _ int, _ *inbox.Event) error {
			watch(ctx)
			return nil
		})
	ctx, cancel := context.WithCancel(t.Context()) // as that of a session
	defer cancel()
	allocations := func(do func() error) float64 {
		return testing.AllocsPerRun(100, func() {
			if err := do(); err != nil {
				t.Fatal(err)
			}
		})
	}
	watched := allocations(func() error { watch(ctx); return nil })
	if n, limit := allocations(func() error { return one(ctx, m) })-4*watched, 25.0; n > limit {
		t.Errorf("one by one: %v allocations for each event, want at most %v", n, limit)
	}
	const size = 100
	batch := make([]*sarama.ConsumerMessage, size)
	for i := range batch {
		batch[i] = m
	}
	store.rows = size
	if n, limit := allocations(func() error { return many(ctx, batch) })/size-watched, 5.5; n > limit {
		t.Errorf("in batches: %v allocations for each event, want at most %v", n, limit)
	}
}
