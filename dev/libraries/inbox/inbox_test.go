package inbox_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/pkg/inbox"
)

// The same events twice in the topic, in one process and over a restart.
func TestOnceUnderRedelivery(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*inbox.Config){
		"one by one": func(*inbox.Config) {},
		"parallel":   func(c *inbox.Config) { c.Parallel = 4 },
		"batches":    func(c *inbox.Config) { c.Batch = 50 },
		"both":       func(c *inbox.Config) { c.Parallel, c.Batch = 4, 50 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, 2)
			config := f.config(t)
			change(&config)
			f.events(t, 0, 200, 7)
			f.events(t, 100, 150, 7) // 100 of them again
			first := f.start(t, config, record)
			f.await(t, 250)
			f.events(t, 200, 100, 7) // 50 of them again
			f.await(t, 300)
			devstacktest.Await(t, "all marked", func() bool { return f.committed(t, config.Group) == 450 })
			first.end(t)
			f.events(t, 0, 350, 7)
			second := f.start(t, config, record)
			f.once(t, 350)
			devstacktest.Await(t, "all marked", func() bool { return f.committed(t, config.Group) == 800 })
			second.end(t)
			f.once(t, 350)
		})
	}
}

// Two groups have an effect each.
func TestGroupsAreSeparate(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	f.events(t, 0, 10, 3)
	f.start(t, f.config(t), record)
	f.await(t, 10)
	f.start(t, f.config(t), record)
	f.await(t, 20)
}

// What the handler gets is the record.
func TestEvent(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	tombstone := f.message("b", "")
	tombstone.Key, tombstone.Value = nil, nil
	f.send(t, f.message("a", "k"), tombstone)
	got := make(chan inbox.Event, 2)
	f.start(t, f.config(t), func(_ context.Context, _ pgx.Tx, e *inbox.Event) error {
		got <- *e
		return nil
	})
	a, b := <-got, <-got
	if a.Topic != f.topic || a.Offset != 0 || a.ID != "a" || a.Type != "Tested" || string(a.Key) != "k" ||
		string(a.Payload) != "payload of a" ||
		len(a.Headers) != 2 || a.Headers[0].Name != "id" || a.Time.IsZero() || a.Attempt != 1 {
		t.Errorf("got %+v", a)
	}
	if b.Key != nil || b.Payload != nil || b.Offset != 1 {
		t.Errorf("got %+v, want a tombstone without a key", b)
	}
}
