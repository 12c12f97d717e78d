package inbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/internal/backoff"
	"github.com/walpost/walpost/internal/kafka/read"
)

// ErrTopicReplaced means that a topic was deleted and made again under its name: the
// group's offsets are of the topic before, and reading on would pass over new records.
var ErrTopicReplaced = errors.New("inbox: the topic was deleted and made again")

// topics knows the ids of the topics (KIP-516), which Kafka gives to each that it makes.
// They stand beside the committed offsets, as their metadata, so that a topic that was
// made anew is known whether the consumer runs or not.
type topics struct {
	consumer *Consumer
	client   sarama.Client

	mu  sync.Mutex
	ids map[string]string
}

// idPrefix goes before the id in the metadata of an offset.
const idPrefix = "topic-id="

// compareEvery is how often a consumer that runs compares the ids.
const compareEvery = 10 * time.Second

// noted returns the metadata of an offset of the topic.
func (t *topics) noted(topic string) string {
	id := t.known(topic)
	if id == "" {
		return "" // the broker is older than 2.8 and knows no ids
	}
	return idPrefix + id
}

func (t *topics) known(topic string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.ids[topic]
}

// read asks for the ids of topics, and compares them with those that are known. A broker
// that tells no id does not say that it is another topic.
func (t *topics) read(ctx context.Context, names []string) error {
	for _, name := range names {
		id, err := read.TopicID(ctx, t.client, name)
		if err != nil {
			return fmt.Errorf("%w %s: %w", ErrTopic, name, err)
		}
		t.mu.Lock()
		known := t.ids[name]
		if known == "" {
			t.ids[name] = id
		}
		t.mu.Unlock()
		if read.IsAnotherTopic(known, id) {
			return t.replaced(name)
		}
	}
	return nil
}

func (t *topics) replaced(topic string) error {
	group := t.consumer.config.Group
	return fmt.Errorf("%w: %s: the offsets of group %q are of the topic before; begin with the oldest record: kafka-consumer-groups.sh "+
		"--group %s --topic %s --reset-offsets --to-earliest --execute (what was processed before is known by its id), or --to-current "+
		"if the offsets were translated to this topic on purpose, as for a mirror",
		ErrTopicReplaced, topic, group, group, topic)
}

// compare compares the topics of a session with those of the committed offsets, and goes
// on comparing until the session ends.
func (t *topics) compare(session sarama.ConsumerGroupSession) error {
	var names []string
	for name := range session.Claims() {
		names = append(names, name)
	}
	if len(names) == 0 {
		return nil // there are more members than partitions
	}
	slices.Sort(names)
	err := t.read(session.Context(), names)
	if err == nil {
		err = t.committed(session.Claims())
	}
	if err != nil && (errors.Is(err, ErrTopicReplaced) || read.IsPermanent(err)) {
		t.consumer.stop(nil, ClassFatal, err)
		return err
	}
	if err != nil {
		return err // Consume returns it, and joins again
	}
	go t.watch(session.Context(), names)
	return nil
}

// committed compares the ids beside the group's offsets.
func (t *topics) committed(claims map[string][]int32) error {
	coordinator, err := t.client.Coordinator(t.consumer.config.Group)
	if err != nil {
		return err
	}
	request := sarama.NewOffsetFetchRequest(sarama.V2_5_0_0, t.consumer.config.Group, claims)
	answer, err := coordinator.FetchOffset(request)
	if err != nil {
		return err
	}
	if answer.Err != sarama.ErrNoError {
		_ = t.client.RefreshCoordinator(t.consumer.config.Group)
		return answer.Err
	}
	for topic, partitions := range answer.Blocks {
		for _, block := range partitions {
			if id, ok := strings.CutPrefix(block.Metadata, idPrefix); ok && read.IsAnotherTopic(id, t.known(topic)) {
				return t.replaced(topic)
			}
		}
	}
	return nil
}

// watch compares until the session ends.
func (t *topics) watch(ctx context.Context, names []string) {
	for backoff.Sleep(ctx, compareEvery) == nil {
		if err := t.read(ctx, names); errors.Is(err, ErrTopicReplaced) {
			t.consumer.stop(nil, ClassFatal, err)
			return
		}
	}
}
