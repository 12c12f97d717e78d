package projection

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/pkg/inbox"
	"github.com/walpost/walpost/pkg/projection/internal/kafka/access"
	"github.com/walpost/walpost/pkg/projection/internal/kafka/read"
)

// feed is one reading of all partitions into one set of tables: those in use, or
// those of a rebuild.
type feed struct {
	projection *Projection
	positions  positions
	shadow     bool

	client   sarama.Client
	consumer sarama.Consumer
	failed   context.CancelCauseFunc
	readers  sync.WaitGroup

	mu      sync.Mutex
	reading map[source]*reader
}

// newFeed returns a feed, which Health knows until it ends.
func (p *Projection) newFeed(key string, shadow bool) *feed {
	return &feed{projection: p, positions: positions{p.config.Position, key}, shadow: shadow, reading: map[source]*reader{}}
}

// table returns where what belongs into a table goes.
func (f *feed) table(name string) string {
	if !f.shadow {
		return name
	}
	return shadowOf(name)
}

// lookEvery is how often new partitions are looked for.
const lookEvery = 10 * time.Second

// run reads until ctx ends or something is wrong for good.
func (f *feed) run(ctx context.Context) error {
	running, failed := context.WithCancelCause(ctx)
	defer failed(nil)
	if err := f.start(running, failed); err != nil {
		return err
	}
	defer f.close()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-running.Done():
			f.readers.Wait()
			return context.Cause(running)
		case <-tick.C:
			if err := f.look(running); err != nil {
				failed(err)
			}
		}
	}
}

// start connects and begins to read.
func (f *feed) start(ctx context.Context, failed context.CancelCauseFunc) error {
	p := f.projection
	f.failed = failed
	if err := f.connect(ctx); err != nil {
		return err
	}
	var err error
	if f.consumer, err = sarama.NewConsumerFromClient(f.client); err != nil {
		return err
	}
	p.mu.Lock()
	p.feeds[f] = struct{}{}
	p.mu.Unlock()
	if err := f.look(ctx); err != nil {
		failed(err)
		f.close()
		return err
	}
	return nil
}

// connect waits for Kafka.
func (f *feed) connect(ctx context.Context) error {
	p := f.projection
	return f.patiently(ctx, inbox.KindKafkaFailed, "connect to Kafka", func() (err error) {
		if f.client, err = sarama.NewClient(p.config.Brokers, p.sarama); err == nil {
			return nil
		}
		return f.refused(ctx, err)
	})
}

// refused returns an error of Kafka with what to change: ErrAccess if nothing else helps.
func (f *feed) refused(ctx context.Context, err error) error {
	permanent, explained := access.Explain(ctx, f.projection.sarama, f.projection.config.Brokers, err)
	if permanent {
		return fmt.Errorf("%w: %w", ErrAccess, explained)
	}
	return explained
}

// ErrAccess means that Kafka does not let this client in, and why.
var ErrAccess = errors.New("projection: no access to Kafka")

// close waits for the readers, which must have been told to end.
func (f *feed) close() {
	f.readers.Wait()
	f.projection.mu.Lock()
	delete(f.projection.feeds, f)
	f.projection.mu.Unlock()
	_ = f.consumer.Close() // it was read from only
	_ = f.client.Close()
}

// look compares the topics with the positions, and begins to read the partitions that are
// not read yet.
func (f *feed) look(ctx context.Context) error {
	return f.patiently(ctx, inbox.KindKafkaFailed, "look up topics", func() error {
		sources, err := f.sources()
		if err != nil && len(f.reading) == 0 { // later it may heal, as when a broker renews its certificate
			err = f.refused(ctx, err)
		}
		if err != nil {
			return err
		}
		ids, err := f.topicIDs(ctx)
		if err != nil {
			return err
		}
		marks, err := f.marks(ctx, sources, ids)
		if err != nil {
			return err
		}
		if len(sources) > 0 {
			f.warnOfPool(len(f.reading) + len(sources))
		}
		for _, s := range sources {
			if err := f.read(ctx, s, marks[s]); err != nil {
				return err
			}
		}
		return nil
	})
}

// sources are the partitions of the topics that are not read yet.
func (f *feed) sources() ([]source, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []source
	for _, topic := range f.projection.config.Topics {
		if err := read.WithoutTopic(f.client.RefreshMetadata(topic), topic); errors.Is(err, sarama.ErrUnknownTopicOrPartition) {
			return nil, fmt.Errorf("projection: topic %s: %w (create it: kafka-topics.sh --bootstrap-server %s --create --topic %s)",
				topic, err, f.projection.config.Brokers[0], topic)
		} else if err != nil {
			return nil, fmt.Errorf("projection: topic %s: %w", topic, access.WithOperation(err, "Read"))
		}
		partitions, err := f.client.Partitions(topic)
		if err != nil {
			return nil, fmt.Errorf("projection: topic %s: %w", topic, access.WithOperation(err, "Read"))
		}
		for _, p := range partitions {
			if s := (source{topic, p}); f.reading[s] == nil {
				all = append(all, s)
			}
		}
	}
	return all, nil
}

// marks reads where the partitions are, and gives those that have none their start.
func (f *feed) marks(ctx context.Context, sources []source, ids map[string]string) (map[source]mark, error) {
	var marks map[source]mark
	begun := false
	err := f.projection.transact(ctx, func(ctx context.Context, tx transaction) (err error) {
		begun = true
		if marks, err = f.positions.load(ctx, tx, false); err != nil {
			return err
		}
		if err := f.compare(ctx, tx, marks, ids); err != nil {
			return err
		}
		added, err := f.addMarks(ctx, tx, sources, marks, ids)
		if err == nil && added {
			marks, err = f.positions.load(ctx, tx, false)
		}
		return err
	})
	if err != nil && !begun {
		err = &databaseError{fmt.Errorf("begin a transaction: %w", err)}
	}
	return marks, err
}

// databaseError is what the database says, and not Kafka.
type databaseError struct{ err error }

func (e *databaseError) Error() string { return e.err.Error() }
func (e *databaseError) Unwrap() error { return e.err }

// addMarks gives partitions without a mark their start, and reports whether there were
// any. Partitions that came later begin with their oldest record.
func (f *feed) addMarks(ctx context.Context, tx transaction, sources []source, marks map[source]mark, ids map[string]string) (
	added bool, err error,
) {
	start, generation := f.projection.config.Start, int64(0)
	for _, m := range marks {
		start, generation = Beginning(), m.generation
	}
	for _, s := range sources {
		if _, marked := marks[s]; marked {
			continue
		}
		next, err := start.offset(f.client, s.topic, s.partition)
		if err != nil {
			return false, fmt.Errorf("projection: %v: %w", s, err)
		}
		if err := f.positions.add(ctx, tx, s, mark{next, generation, ids[s.topic]}); err != nil {
			return false, err
		}
		added = true
	}
	return added, nil
}

// read begins to read one partition.
func (f *feed) read(ctx context.Context, s source, m mark) error {
	end, err := f.client.GetOffset(s.topic, s.partition, sarama.OffsetNewest)
	if err != nil {
		return fmt.Errorf("projection: %v: %w", s, err)
	}
	r := newReader(f, s, m, end)
	f.mu.Lock()
	f.reading[s] = r
	f.mu.Unlock()
	f.observe(inbox.Observation{Kind: inbox.KindAssigned, Event: s.event(m.next)})
	f.readers.Go(func() {
		defer func() { f.observe(inbox.Observation{Kind: inbox.KindRevoked, Event: s.event(r.next.Load())}) }()
		if err := r.run(ctx); err != nil {
			f.failed(err)
		}
	})
	return nil
}

// all reports whether every reader is so.
func (f *feed) all(is func(source, *reader) bool) bool {
	f.mu.Lock()
	readers := maps.Clone(f.reading)
	f.mu.Unlock()
	for s, r := range readers {
		if !is(s, r) {
			return false
		}
	}
	return true
}
