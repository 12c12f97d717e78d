package cli

import (
	"context"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/kafka"
	"github.com/walpost/walpost/internal/relay"
	"github.com/walpost/walpost/internal/replication"
	"github.com/walpost/walpost/internal/topicname"
)

// topics creates those that the file and the table name.
func (i *initializer) topics(ctx context.Context, conn *pgx.Conn, client kafka.Admin) error {
	names, err := topicNames(ctx, conn, i.cfg)
	if err != nil {
		return err
	}
	for _, name := range names.wrong {
		i.step(step{Action: skipped, Kind: topic, Name: name, Detail: topicname.Check(name).Error()})
	}
	for _, name := range slices.Concat(names.good, names.dead) {
		if err := i.topic(ctx, client, name); err != nil {
			return err
		}
	}
	if names.unknown != "" {
		i.step(step{Action: skipped, Kind: topic, Name: i.cfg.Outbox.Topic.String(), Detail: names.unknown})
	}
	return nil
}

func (i *initializer) topic(ctx context.Context, client kafka.Admin, name string) error {
	spec := relay.TopicSpec(i.cfg, name)
	st := step{Kind: topic, Name: name, Detail: specText(spec)}
	if i.dryRun {
		st.Action = "create"
		i.step(st)
		return nil
	}
	made, err := client.Create(ctx, spec)
	if err != nil {
		return err
	}
	st.Action = done(made)
	if !made {
		st.Detail = ""
	}
	i.step(st)
	return nil
}

// specText words how a topic is made.
func specText(s kafka.Spec) string {
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

// topicList is the topics that a file and its table name.
type topicList struct {
	good    []string // of records
	dead    []string // of dead letters
	wrong   []string // what the columns make of others: Kafka takes no such name
	unknown string   // why there are none, in words; "" when that is not so
}

// topicNames gives the topics of the records and of their dead letters. Where the
// template has columns these are the ones that today's rows go to.
func topicNames(ctx context.Context, conn *pgx.Conn, cfg *config.Config) (topicList, error) {
	columns := cfg.Outbox.Topic.Columns()
	if len(columns) == 0 {
		return topicsOf(cfg, []string{cfg.Outbox.Topic.String()}, ""), nil
	}
	if cfg.Outbox.Messages() {
		return topicsOf(cfg, nil, topicsOfMessages), nil
	}
	names, unknown, err := namesInTable(ctx, conn, cfg, columns)
	return topicsOf(cfg, names, unknown), err
}

// topicsWithoutTable is topicNames where the table cannot be read.
func topicsWithoutTable(cfg *config.Config) topicList {
	switch {
	case len(cfg.Outbox.Topic.Columns()) == 0:
		return topicsOf(cfg, []string{cfg.Outbox.Topic.String()}, "")
	case cfg.Outbox.Messages():
		return topicsOf(cfg, nil, topicsOfMessages)
	default:
		return topicsOf(cfg, nil, "they come from columns of the table, which could not be read")
	}
}

// topicsOfMessages is why there are none.
const topicsOfMessages = "they come from the messages: create them, or set kafka.topics.create"

// topicsOf sorts names of topics by what can become of them.
func topicsOf(cfg *config.Config, names []string, unknown string) topicList {
	list := topicList{unknown: unknown}
	for _, name := range names {
		switch {
		case !topicname.Valid(name):
			list.wrong = append(list.wrong, name)
		case allowed(cfg, name):
			list.good = append(list.good, name)
		}
	}
	slices.Sort(list.good)
	list.good = slices.Compact(list.good)
	list.dead = cfg.Delivery.DeadLetterTopics(list.good)
	return list
}

func namesInTable(ctx context.Context, conn *pgx.Conn, cfg *config.Config, columns []string) (names []string, unknown string, err error) {
	values, known, err := replication.DistinctValues(ctx, conn, relay.Table(cfg), columns)
	if replication.KindOf(err) == replication.TableMissing {
		return nil, "the table does not exist yet, and the topics come from its columns", nil
	}
	switch {
	case replication.KindOf(err) == replication.InsufficientPrivilege: // row-level security
		return nil, "they come from columns of the table, which cannot be read: " + err.Error(), nil
	case err != nil:
		return nil, "", err
	case !known:
		return nil, "the role may not read the table, and the topics come from its columns: create them, or set kafka.topics.create", nil
	case len(values) == 0:
		return nil, "the table has no rows, and the topics come from its columns: run init again later, or set kafka.topics.create", nil
	}
	for _, row := range values {
		names = append(names, cfg.Outbox.Topic.Render(row...))
	}
	return names, "", nil
}

// allowed tells whether records may go to the topic (kafka.topics.allow).
func allowed(cfg *config.Config, name string) bool {
	return len(cfg.Kafka.Topics.Allow) == 0 || slices.ContainsFunc(cfg.Kafka.Topics.Allow, func(glob string) bool {
		ok, err := path.Match(glob, name)
		return ok && err == nil
	})
}
