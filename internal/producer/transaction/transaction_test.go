package transaction_test

import (
	"errors"
	"testing"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/producer/transaction"
)

// The keys of requests in the Kafka protocol guide.
const (
	produceKey        = 0
	initProducerIDKey = 22
	addPartitionsKey  = 24
	endTxnKey         = 26
)

func TestRow72_LateRequests(t *testing.T) {
	t.Parallel()
	k := devstacktest.StartKafka(t, devstack.KafkaOptions{Proxied: true})
	changeNothing(t, k)
	t.Run("the first InitProducerId", func(t *testing.T) { mayBeItsOwn(t, newSession(t, k)) })
	t.Run("of another producer", func(t *testing.T) { fences(t, newSession(t, k)) })
}

// changeNothing lets a request whose connection was lost reach Kafka just before the next transaction is
// opened, or in the middle of it. Each event is visible once all the same, with its position.
func changeNothing(t *testing.T, k *devstack.Kafka) {
	t.Helper()
	const (
		formerEpoch = sarama.ErrProducerFenced       // from the coordinator
		fencedEpoch = sarama.ErrInvalidProducerEpoch // from a partition
		busy        = sarama.ErrConcurrentTransactions
	)
	whole, givenUp := []step{add, event, position}, []step{add, lost}
	for name, test := range map[string]struct {
		caught        int16
		first, second []step // of the transaction whose request is late, and of the next
		answer        sarama.KError
	}{
		"EndTxn before all":       {endTxnKey, whole, []step{late, add, event, position}, formerEpoch},
		"EndTxn before records":   {endTxnKey, whole, []step{add, late, event, position}, formerEpoch},
		"EndTxn without position": {endTxnKey, whole, []step{add, event, late, position}, formerEpoch},
		"EndTxn without events":   {endTxnKey, whole, []step{add, position, late, event}, formerEpoch},
		"Produce given up, before its number is used again": {
			produceKey, givenUp, []step{add, late, event, position}, fencedEpoch,
		},
		"Produce given up, after its number is used again": {
			produceKey, givenUp, []step{add, event, late, position}, fencedEpoch,
		},
		"Produce that was sent again": {produceKey, whole, []step{add, late, event, position}, fencedEpoch},
		"AddPartitionsToTxn":          {addPartitionsKey, whole, []step{late, add, event, position}, formerEpoch},
		"InitProducerId":              {initProducerIDKey, whole, []step{add, event, late, position}, busy}, // aborts it
	} {
		t.Run(name, func(t *testing.T) {
			s := newSession(t, k)
			s.begins(t)
			s.begin(t, "0", whole...).commit()
			if test.caught == initProducerIDKey {
				s.Client.Doubt() // so that there is one
			}
			s.catch(test.caught)
			first, second := s.begin(t, "1", test.first...), s.begin(t, "2", test.second...)
			committed, err := s.Write(t.Context(), first)
			if err != nil {
				t.Fatal(err)
			}
			second.commit()
			if second.refusal != test.answer {
				t.Errorf("the late request was answered with %d, want %d", second.refusal, test.answer)
			}
			if committed {
				s.sees(t, "0", "1", "2")
			} else {
				s.sees(t, "0", "2")
			}
		})
	}
}

// mayBeItsOwn lets the first request of a producer arrive again between two transactions: for
// Kafka that is another producer. The error leaves open which it was.
func mayBeItsOwn(t *testing.T, s *session) {
	t.Helper()
	s.catch(initProducerIDKey)
	s.begins(t)
	s.begin(t, "0", add, event, position).commit()
	devstacktest.Await(t, "the transaction to have its markers", func() bool {
		return s.deliver(t) != sarama.ErrConcurrentTransactions
	})
	_, err := s.Write(t.Context(), s.begin(t, "1", add, event, position))
	if fenced, ok := errors.AsType[*transaction.FencedError](err); !ok || !fenced.Perhaps {
		t.Errorf("%v, want an error that it may have been this producer's own request", err)
	}
	s.sees(t, "0")
}

// fences lets another producer begin in the middle of a transaction. The one before knows
// that it was not itself.
func fences(t *testing.T, s *session) {
	t.Helper()
	s.begins(t)
	s.begin(t, "0", add, event, position).commit()
	_, err := s.Write(t.Context(), s.begin(t, "1", add, event, func(*script) (bool, error) {
		other := transaction.New(s.opts)
		defer other.Close()
		return true, other.Begin(t.Context())
	}, position))
	if fenced, ok := errors.AsType[*transaction.FencedError](err); !ok || fenced.Perhaps {
		t.Errorf("%v, want an error that another producer has taken over", err)
	}
	s.sees(t, "0")
}
