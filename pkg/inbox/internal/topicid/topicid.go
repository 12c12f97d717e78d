// Package topicid notices that a topic was deleted and made again under its name, while
// a consumer group reads it or between two starts.
package topicid

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/pkg/inbox/internal/backoff"
	"github.com/walpost/walpost/pkg/inbox/internal/kafka/read"
)

// ErrReplaced means that a topic was deleted and made again under its name.
var ErrReplaced = errors.New("inbox: the topic was deleted and made again")

// ErrTopic is a topic that is missing, or that the client has no right to.
var ErrTopic = errors.New("inbox: topic")

// Topics knows the ids of the topics (KIP-516), which Kafka gives to each that it makes.
// They stand beside the committed offsets, as their metadata, so that a topic that was
// made anew is known whether the consumer runs or not.
type Topics struct {
	client sarama.Client
	group  string
	fail   func(error)

	mu    sync.Mutex
	ids   map[string]string
	noted map[string]string // idPrefix and the id; "" if the broker is older than 2.8 and knows no ids
}

// New returns the topics of a group. fail ends the consumer.
func New(client sarama.Client, group string, fail func(error)) *Topics {
	return &Topics{client: client, group: group, fail: fail, ids: map[string]string{}, noted: map[string]string{}}
}

// idPrefix goes before the id in the metadata of an offset.
const idPrefix = "topic-id="

// compareEvery is how often a consumer that runs compares the ids.
const compareEvery = 10 * time.Second

// Noted returns the metadata for an offset of the topic.
func (t *Topics) Noted(topic string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.noted[topic]
}

func (t *Topics) known(topic string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.ids[topic]
}

// read asks for the ids of topics, and compares them with those that are known. A broker
// that tells no id does not say that it is another topic.
func (t *Topics) read(ctx context.Context, names []string) error {
	for _, name := range names {
		id, err := read.TopicID(ctx, t.client, name)
		if err != nil {
			return fmt.Errorf("%w %s: %w", ErrTopic, name, err)
		}
		t.mu.Lock()
		known := t.ids[name]
		if known == "" {
			t.ids[name] = id
			if id != "" {
				t.noted[name] = idPrefix + id
			}
		}
		t.mu.Unlock()
		if read.IsAnotherTopic(known, id) {
			return t.replaced(name)
		}
	}
	return nil
}

func (t *Topics) replaced(topic string) error {
	group := t.group
	return fmt.Errorf("%w: %s: the offsets of group %q are of the topic before; begin with the oldest record: kafka-consumer-groups.sh "+
		"--bootstrap-server HOST:PORT --group %s --topic %s --reset-offsets --to-earliest --execute "+
		"(what was processed before is known by its id), or --to-current "+
		"if the offsets were translated to this topic on purpose, as for a mirror",
		ErrReplaced, topic, group, group, topic)
}

// Compare compares the topics of a session with those of the committed offsets, and goes
// on comparing until the session ends.
func (t *Topics) Compare(session sarama.ConsumerGroupSession) error {
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
	if err != nil && (errors.Is(err, ErrReplaced) || read.IsPermanent(err)) {
		t.fail(err)
		return err
	}
	if err != nil {
		return err // Consume returns it, and joins again
	}
	go t.watch(session.Context(), names)
	return nil
}

// committed compares the ids beside the group's offsets.
func (t *Topics) committed(claims map[string][]int32) error {
	coordinator, err := t.client.Coordinator(t.group)
	if err != nil {
		return err
	}
	request := sarama.NewOffsetFetchRequest(sarama.V2_5_0_0, t.group, claims)
	answer, err := coordinator.FetchOffset(request)
	if err != nil {
		return err
	}
	if answer.Err != sarama.ErrNoError {
		_ = t.client.RefreshCoordinator(t.group)
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
func (t *Topics) watch(ctx context.Context, names []string) {
	for backoff.Sleep(ctx, compareEvery) == nil {
		if err := t.read(ctx, names); errors.Is(err, ErrReplaced) {
			t.fail(err)
			return
		}
	}
}
