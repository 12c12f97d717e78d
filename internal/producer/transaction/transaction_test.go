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
	t.Run("the first InitProducerId", func(t *testing.T) { fencedByItself(t, newSession(t, k)) })
	t.Run("the answer to EndTxn never comes", func(t *testing.T) { fencedInDoubt(t, newSession(t, k)) })
	t.Run("another producer", func(t *testing.T) { fencedByAnother(t, newSession(t, k)) })
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

// fencedByItself lets the first request of a producer arrive again between two transactions: for
// Kafka that is another producer. No position shows one.
func fencedByItself(t *testing.T, s *session) {
	t.Helper()
	s.catch(initProducerIDKey)
	s.begins(t)
	s.begin(t, "0", add, event, position).commit()
	devstacktest.Await(t, "the transaction to have its markers", func() bool {
		return s.deliver(t) != sarama.ErrConcurrentTransactions
	})
	s.fenced(t, s.begin(t, "1", add, event, position), "")
	s.sees(t, "0")
}

// fencedInDoubt lets an epoch begin when a transaction is committed and its producer does not
// know. The newest position is its own all the same.
func fencedInDoubt(t *testing.T, s *session) {
	t.Helper()
	s.begins(t)
	s.begin(t, "0", add, event, position).commit()
	s.proxy.Catch(func(request []byte) bool {
		if keyOf(request) != endTxnKey || s.late.Load() != nil {
			return false
		}
		s.late.Store(&request)
		if _, err := s.proxy.Send(t.Context(), request); err != nil {
			t.Error(err)
		}
		s.another(t)
		return true
	})
	s.fenced(t, s.begin(t, "1", add, event, position), "")
	s.sees(t, "0", "1")
}

// fencedByAnother lets another producer begin in the middle of a transaction, and write.
func fencedByAnother(t *testing.T, s *session) {
	t.Helper()
	s.begins(t)
	s.begin(t, "0", add, event, position).commit()
	w := s.begin(t, "1", add, event, func(*script) (bool, error) {
		s.another(t)
		return true, s.write(t, "another")
	}, position)
	s.fenced(t, w, "another")
}

// another begins an epoch as another producer.
func (s *session) another(t *testing.T) {
	t.Helper()
	other := transaction.New(s.opts)
	defer other.Close()
	if err := other.Begin(t.Context()); err != nil {
		t.Error(err)
	}
}

// fenced checks that a transaction ends because an epoch was begun, and whose position is the newest then.
func (s *session) fenced(t *testing.T, w *script, successor string) {
	t.Helper()
	_, err := s.Write(t.Context(), w)
	if _, ok := errors.AsType[*transaction.FencedError](err); !ok {
		t.Errorf("%v, want an error that an epoch was begun", err)
	}
	if got := s.Successor(t.Context()); string(got) != successor {
		t.Errorf("the successor has written %q, want %q", got, successor)
	}
}
