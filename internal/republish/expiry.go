package republish

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/kafka/topics"
	"github.com/walpost/walpost/internal/outboxtable"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/status"
	"github.com/walpost/walpost/internal/wiring"
)

// Expiry refuses records that their topic would not keep: retention.ms counts from a
// record's own time, so Kafka deletes an old one minutes after it has acknowledged it.
type Expiry struct {
	cfg   *config.Config
	keeps map[string]time.Duration // by topic; 0: for ever, or not known
}

const (
	// young is an age that no topic is asked about: the relay itself may be that late.
	young = time.Minute
	// maxTopics is how many topics an Expiry remembers, and how many of a table it checks.
	maxTopics = 1000
)

// NewExpiry returns an Expiry that knows no topic yet.
func NewExpiry(cfg *config.Config) *Expiry {
	return &Expiry{cfg: cfg, keeps: map[string]time.Duration{}}
}

// Check refuses a record of this time.
func (e *Expiry) Check(ctx context.Context, topic string, stamp time.Time) error {
	age := time.Since(stamp)
	if age < young {
		return nil
	}
	keeps, known := e.keeps[topic]
	if !known {
		if err := e.read(ctx, topic); err != nil {
			return err
		}
		keeps = e.keeps[topic]
	}
	if keeps == 0 || age < keeps {
		return nil
	}
	return &status.Halt{
		Code:   status.ExitRequirement,
		Reason: fmt.Sprintf("a record would be older than topic %s keeps records", topic),
		Detail: fmt.Sprintf("its time is %s and retention.ms is %d (%v): Kafka would delete it soon after it has acknowledged it",
			stamp.UTC().Format(time.RFC3339), keeps.Milliseconds(), keeps),
		Hint: "give --timestamp now for the time of publishing, choose newer rows, or raise retention.ms of the topic",
	}
}

// read asks for the retention of topics. One that is still to be made gets what the
// cluster says it would have.
func (e *Expiry) read(ctx context.Context, names ...string) error {
	client, err := topics.OpenAdmin(ctx, wiring.Kafka(e.cfg))
	if err != nil {
		return err
	}
	defer client.Close()
	found, err := client.Describe(ctx, names...)
	if err != nil {
		return err
	}
	if len(e.keeps)+len(found) > maxTopics {
		clear(e.keeps)
	}
	for i := range found {
		t := &found[i]
		if !t.Exists && t.Err == nil && e.cfg.Kafka.Topics.Create {
			if *t, err = client.Foresee(ctx, wiring.TopicSpec(e.cfg, t.Name)); err != nil {
				return err
			}
		}
		keeps, counts := t.Keeps()
		if counts {
			keeps = max(keeps, 1)
		}
		e.keeps[t.Name] = keeps
	}
	return nil
}

// CheckRows refuses the oldest row of each topic; with a topic in to, of all rows.
func (e *Expiry) CheckRows(ctx context.Context, conn *pgx.Conn, q *outboxtable.Query, t *catalog.Table, to string) error {
	name := e.cfg.Outbox.Timestamp
	if usable := name != "" && outboxtable.CheckTimeColumn(name, e.cfg, t) == nil; !usable { // the router words the latter
		return nil
	}
	oldest, err := q.Oldest(ctx, conn, time.Now().Add(-young), to, maxTopics)
	if err != nil || len(oldest) == 0 {
		return postgres.Classify("look for the oldest row of "+wiring.Table(e.cfg).String(), err)
	}
	names := slices.Sorted(maps.Keys(oldest))
	if err := e.read(ctx, names...); err != nil {
		return err
	}
	for _, topic := range names {
		if err := e.Check(ctx, topic, oldest[topic]); err != nil {
			return err
		}
	}
	return nil
}
