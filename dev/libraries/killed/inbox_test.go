package killed_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/dev/devstack/pause"
	"github.com/walpost/walpost/pkg/inbox"
	"github.com/walpost/walpost/pkg/inbox/deadletter"
)

const (
	partitions  = 2
	sourceLimit = 200_000 // max.message.bytes of the topics
)

// limits are max.message.bytes of the dead letter topic and the retry topic of each topic.
var limits = []int{sourceLimit / 2, sourceLimit, 2 * sourceLimit}

// scene is a consumer, its topics, and what was written to them.
type scene struct {
	devstacktest.Database
	kafka   *devstack.Kafka
	writer  *writer
	child   child
	visitor *devstacktest.Process // a second member, which comes and goes
	lives   int
	moved   time.Time // when there last was progress
	at      int64     // how far it had come then
}

func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{Database: stack.Database(t), kafka: stack.Kafka(t), moved: time.Now()}
	for _, ddl := range []func(string) (string, error){inbox.DDL, inbox.ParkedDDL} {
		text, err := ddl("")
		if err != nil {
			t.Fatal(err)
		}
		s.Exec(t, text)
	}
	s.Exec(t, schema)
	name := stack.Name(t)
	s.child = child{Work: "consume", Brokers: s.kafka.Bootstrap(devstack.Plaintext), Group: name, Instance: name, Database: s.URL}
	for i, limit := range limits {
		topic := fmt.Sprint(name, "_", i)
		s.child.Topics = append(s.child.Topics, topic)
		for suffix, limit := range map[string]int{"": sourceLimit, ".DLT": limit, ".retry": limit} {
			settings := map[string]string{"max.message.bytes": fmt.Sprint(limit)}
			if err := s.kafka.CreateTopic(t.Context(), topic+suffix, partitions, -1, settings); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.writer = newWriter(t, s.kafka, s.child.Topics, name, devstacktest.Rand(t))
	return s
}

// A consumer that is killed every second, with records in its topics that nobody should write, loses no event, does none
// twice, keeps the order of each key, and never stands. Each bad record is a dead letter; put back for a repaired handler,
// each has its one effect.
func TestConsumerKilledEverySecond(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	for s.lives < kills {
		s.life(t, func() {
			s.writer.round()
			if s.lives <= len(s.child.Topics) {
				s.writer.large(s.child.Topics[s.lives-1])
			}
		})
	}
	s.writer.last(partitions)
	s.untilCaughtUp(t)
	s.judge(t, false)

	s.Exec(t, "UPDATE handler SET repaired = true")
	again := s.child
	again.Work = "redrive"
	for range 2 {
		s.life(t, func() {
			p := devstacktest.Start(t, again.command(t))
			p.Writes(t, "one")
			pause.Real(t, devstacktest.Upto(s.writer.rand, 100*time.Millisecond), "the moment of a kill")
			p.Kill(t)
		})
	}
	s.handleDeadLetters(t)
	s.untilCaughtUp(t)
	s.judge(t, true)
	if s.visitor != nil {
		s.visitor.Kill(t)
	}
	survivor := devstacktest.Start(t, s.child.command(t))
	survivor.Writes(t, said)
	survivor.Terminate(t)
	survivor.Exits(t, 0)
}

// life starts the consumer, does something meanwhile, and kills it within a second of its having partitions.
func (s *scene) life(t *testing.T, do func()) {
	t.Helper()
	s.lives++
	p := devstacktest.Start(t, s.child.command(t))
	s.visit(t)
	do()
	p.Writes(t, said)
	pause.Real(t, devstacktest.Upto(s.writer.rand, longestLife(s.lives)), "the moment of a kill")
	p.Kill(t)
}

// longestLife is a second, and then more with each life: a machine on which nobody gets far in a second ends, too.
func longestLife(lives int) time.Duration {
	return time.Second + time.Duration(max(0, lives-kills))*200*time.Millisecond
}

// visit lets a second member join, and go again: in order, or killed.
func (s *scene) visit(t *testing.T) {
	t.Helper()
	const every = 6
	switch s.lives % every {
	case 1:
		other := s.child
		other.Instance = ""
		s.visitor = devstacktest.Start(t, other.command(t))
	case every / 2:
		if s.lives%(2*every) < every {
			s.visitor.Terminate(t)
			s.visitor.Exits(t, 0)
		} else {
			s.visitor.Kill(t)
		}
		s.visitor = nil
	}
}

// untilCaughtUp goes on killing until everything is consumed.
func (s *scene) untilCaughtUp(t *testing.T) {
	t.Helper()
	for {
		s.life(t, func() {})
		at, end := s.offsets(t)
		if at == end {
			return
		}
		if at != s.at {
			s.at, s.moved = at, time.Now()
		}
		if time.Since(s.moved) > devstacktest.Patience {
			t.Fatalf("the consumer stands: %d of %d records are done", at, end)
		}
	}
}

// offsets are the sums of the group's offsets and of the ends of its topics.
func (s *scene) offsets(t *testing.T) (at, end int64) {
	t.Helper()
	for _, source := range s.child.Topics {
		for _, topic := range []string{source, source + ".retry"} {
			ends, err := s.kafka.EndOffsets(topic)
			if err != nil {
				t.Fatal(err)
			}
			for _, at := range ends {
				end += at
			}
			at += devstacktest.Committed(t, s.kafka, s.child.Group, topic)
		}
	}
	return at, end
}

// handleDeadLetters puts back what can be processed, and discards the rest.
func (s *scene) handleDeadLetters(t *testing.T) {
	t.Helper()
	for _, topic := range s.child.Topics {
		config := deadletter.Config{Brokers: s.child.Brokers, Topic: topic + ".DLT", Match: redrivable}
		redriven, err := deadletter.Redrive(t.Context(), config)
		if err != nil || redriven.NotAllowed+redriven.Gone+redriven.Refused > 0 {
			t.Fatalf("redrive: %+v, %v", redriven, err)
		}
		config.Match = nil
		if result, err := deadletter.Discard(t.Context(), config); err != nil {
			t.Fatalf("discard: %+v, %v", result, err)
		}
		left, err := deadletter.List(t.Context(), config)
		if foreign := s.foreign(topic + ".DLT"); err != nil || left.Matched > 0 || left.Foreign != foreign {
			t.Fatalf("after redrive and discard: %+v, %v, want nothing but %d of others", left, err, foreign)
		}
	}
}

// foreign is how many records of a dead letter topic are no dead letters.
func (s *scene) foreign(topic string) (n int) {
	for _, w := range s.writer.written {
		if w.Topic == topic && w.fate == never {
			n++
		}
	}
	return n
}

// isLetterTopic reports whether a topic has dead letters.
func isLetterTopic(topic string) bool { return strings.HasSuffix(topic, ".DLT") }
