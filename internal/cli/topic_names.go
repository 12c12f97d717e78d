package cli

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/wiring"
)

// topicNames are the topics that a file and its table name.
type topicNames struct {
	records     []string
	deadLetters []string
	invalid     []string // names of other rows, which are rejected
	unknown     string   // why the topics of records are not known; "" when they are
}

// readTopicNames returns the topics of the records and of their dead letters. Where the
// template has columns these are the topics of the rows that are in the table now.
func readTopicNames(ctx context.Context, conn *pgx.Conn, cfg *config.Config) (topicNames, error) {
	if only := cfg.Outbox.OnlyTopic(); only != "" {
		return newTopicNames(cfg, []string{only}, ""), nil
	}
	if cfg.Outbox.Messages() {
		return newTopicNames(cfg, nil, namedByMessages), nil
	}
	names, unknown, err := namesInTable(ctx, conn, cfg)
	return newTopicNames(cfg, names, unknown), err
}

// topicNamesWithoutTable is readTopicNames for a table that cannot be read.
func topicNamesWithoutTable(cfg *config.Config) topicNames {
	switch only := cfg.Outbox.OnlyTopic(); {
	case only != "":
		return newTopicNames(cfg, []string{only}, "")
	case cfg.Outbox.Messages():
		return newTopicNames(cfg, nil, namedByMessages)
	default:
		return newTopicNames(cfg, nil, "they come from columns of the table, which could not be read")
	}
}

// namedByMessages is why topics are not known that messages name.
const namedByMessages = "they come from the messages: create them, or set kafka.topics.create"

// newTopicNames sorts names into valid ones that kafka.topics.allow lets pass and
// invalid ones, and adds the topics of dead letters.
func newTopicNames(cfg *config.Config, names []string, unknown string) topicNames {
	list := topicNames{unknown: unknown}
	for _, name := range names {
		switch {
		case cfg.CheckTopic(name) != nil:
			list.invalid = append(list.invalid, name)
		case len(cfg.Kafka.Topics.Allow) == 0 || matchesAny(cfg.Kafka.Topics.Allow, name):
			list.records = append(list.records, name)
		}
	}
	slices.Sort(list.records)
	list.records = slices.Compact(list.records)
	list.deadLetters = cfg.Delivery.DeadLetterTopics(list.records)
	return list
}

// namesInTable returns the topics of the rows in the table, or why they are not known.
func namesInTable(ctx context.Context, conn *pgx.Conn, cfg *config.Config) (names []string, unknown string, err error) {
	values, known, err := catalog.DistinctValues(ctx, conn, wiring.Table(cfg), cfg.Outbox.Topic.Columns(), cfg.Outbox.TopicLength(),
		wiring.Columns(cfg).Filter)
	if postgres.KindOf(err) == postgres.TableMissing {
		return nil, "the table does not exist yet, and the topics come from its columns", nil
	}
	switch {
	case postgres.KindOf(err) == postgres.InsufficientPrivilege: // row-level security
		return nil, "they come from columns of the table, which cannot be read: " + err.Error(), nil
	case err != nil:
		return nil, "", err
	case !known:
		return nil, "the role may not read the table, which takes SELECT, and the topics come from its columns: create them, or set " +
			"kafka.topics.create", nil
	case len(values) == 0 && len(cfg.Outbox.Filter) > 0:
		return nil, "outbox.filter leaves out every row of the table, and the topics come from its columns: run init again later, or set " +
			"kafka.topics.create", nil
	case len(values) == 0:
		return nil, "the table has no rows, and the topics come from its columns: run init again later, or set kafka.topics.create", nil
	}
	for _, row := range values {
		names = append(names, cfg.Outbox.TopicOf(row...))
	}
	return names, "", nil
}
