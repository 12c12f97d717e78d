package projection

import (
	"context"
	"errors"
	"fmt"

	"github.com/walpost/walpost/pkg/projection/internal/kafka/read"
)

// ErrTopicReplaced means that a topic was deleted and made again under its name: the
// position is one of the topic before, and reading on would pass over new records.
var ErrTopicReplaced = errors.New("projection: the topic was deleted and made again")

// topicIDs asks for the ids of the topics (KIP-516). They stand in the position table, so
// that a topic that was made anew is known whether the projection runs or not.
func (f *feed) topicIDs(ctx context.Context) (map[string]string, error) {
	ids := map[string]string{}
	for _, topic := range f.projection.config.Topics {
		id, err := read.TopicID(ctx, f.client, topic)
		if err != nil {
			return nil, fmt.Errorf("projection: topic %s: %w", topic, err)
		}
		ids[topic] = id
	}
	return ids, nil
}

// compare compares the ids of the topics with those of the marks. Marks without an id get
// the topic's: they are of before the ids were stored, or of a broker that knew none.
func (f *feed) compare(ctx context.Context, tx transaction, marks map[source]mark, ids map[string]string) error {
	adopted := map[string]bool{}
	for s, m := range marks {
		id := ids[s.topic]
		if read.IsAnotherTopic(m.topicID, id) {
			return f.replaced(s.topic)
		}
		if m.topicID != "" || id == "" {
			continue
		}
		if !adopted[s.topic] {
			adopted[s.topic] = true
			if err := f.positions.adopt(ctx, tx, s.topic, id); err != nil {
				return err
			}
		}
		m.topicID = id
		marks[s] = m
	}
	return nil
}

func (f *feed) replaced(topic string) error {
	if f.shadow {
		return fmt.Errorf("%w: %s: the rebuild that has begun read the topic before: give it up with DropRebuild, and call Rebuild again",
			ErrTopicReplaced, topic)
	}
	return fmt.Errorf("%w: %s: the position of projection %q is one of the topic before. Rebuild builds the tables from what the topic "+
		"holds now. To keep what the tables hold and go on with the oldest record: UPDATE %s SET next_offset = 0, topic_id = '' WHERE "+
		"projection = '%s' AND topic = '%s'",
		ErrTopicReplaced, topic, f.positions.key, f.positions.table, f.positions.key, topic)
}

// explained returns ErrTopicReplaced for what follows from it: an offset out of range, or
// a topic that was not there for a moment.
func (f *feed) explained(ctx context.Context, err error) error {
	if !errors.Is(err, ErrOutOfRange) && !read.IsPermanent(err) {
		return err
	}
	ids, unknown := f.topicIDs(ctx)
	if unknown != nil {
		return err
	}
	if _, other := f.marks(ctx, nil, ids); errors.Is(other, ErrTopicReplaced) {
		return other
	}
	return err
}
