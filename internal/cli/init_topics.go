package cli

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/internal/kafka/topics"
	"github.com/walpost/walpost/internal/wiring"
)

// topics creates the topics that the file and the table name, and dead letter topics that
// the file declares for consumers.
func (i *initializer) topics(ctx context.Context, conn *pgx.Conn, client topics.Admin) error {
	names, err := readTopicNames(ctx, conn, i.cfg)
	if err != nil {
		return err
	}
	for _, name := range names.invalid {
		i.step(step{Action: actionSkipped, Kind: kindTopic, Name: name, Detail: i.cfg.CheckTopic(name).Error()})
	}
	deadLetters := slices.Concat(names.deadLetters, i.cfg.DeclaredDeadLetterTopics())
	slices.Sort(deadLetters)
	for _, name := range slices.Concat(names.records, slices.Compact(deadLetters)) {
		if err := i.topic(ctx, client, name); err != nil {
			return err
		}
	}
	if names.unknown != "" {
		i.step(step{Action: actionSkipped, Kind: kindTopic, Name: i.cfg.Outbox.Topic.String(), Detail: names.unknown})
	}
	return nil
}

func (i *initializer) topic(ctx context.Context, client topics.Admin, name string) error {
	spec := wiring.TopicSpec(i.cfg, name)
	st := step{Kind: kindTopic, Name: name, Detail: specText(spec)}
	if i.dryRun {
		st.Action = actionCreate
		i.step(st)
		return nil
	}
	made, err := client.Create(ctx, spec)
	if err != nil {
		return err
	}
	st.Action = createdOrExists(made)
	if !made {
		st.Detail = ""
	}
	i.step(st)
	return nil
}

// specText describes how a topic is created.
func specText(s topics.Spec) string {
	words := []string{"partitions " + orDefault(int(s.Partitions)), "replication factor " + orDefault(int(s.ReplicationFactor))}
	for _, key := range slices.Sorted(maps.Keys(s.Config)) {
		words = append(words, key+" "+s.Config[key])
	}
	return strings.Join(words, ", ")
}

func orDefault(n int) string {
	if n < 0 {
		return "default"
	}
	return strconv.Itoa(n)
}
