package relay_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/dev/devstack/pause"
	"github.com/walpost/walpost/internal/relay/relaytest"
)

// stragglers are requests whose connections are lost, and that reach Kafka later.
type stragglers struct {
	proxy  *devstack.Proxy
	within time.Duration
	rnd    *rand.Rand // of the proxy's goroutines, which mu lets in one by one

	mu        sync.Mutex
	begun     bool
	caught    map[uint16]int // by API key
	delivered sync.WaitGroup
}

// The keys of the requests in the Kafka protocol guide.
const (
	produce        = 0
	initProducerID = 22
	addPartitions  = 24
	endTxn         = 26
)

// take reports whether a request is lost: one of three of the transaction protocol, but not
// the first.
func (s *stragglers) take(t *testing.T, request []byte) bool {
	const atKey, oneOf = 4, 3
	s.mu.Lock()
	defer s.mu.Unlock()
	key := binary.BigEndian.Uint16(request[atKey:])
	switch key {
	case endTxn, produce, addPartitions:
		s.begun = true
	case initProducerID:
	default:
		return false
	}
	if !s.begun || s.rnd.IntN(oneOf) > 0 {
		return false
	}
	s.caught[key]++
	after := devstacktest.Upto(s.rnd, s.within)
	s.delivered.Go(func() {
		pause.Real(t, after, "the request is late")
		if _, err := s.proxy.Send(t.Context(), request); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
	})
	return true
}

// enough reports whether so many requests of each key were caught that each transaction
// needs.
func (s *stragglers) enough(n int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return min(s.caught[produce], s.caught[addPartitions], s.caught[endTxn]) >= n
}

// One of three requests is lost, and reaches Kafka in the middle of later transactions. A
// reader of committed records sees each event once.
func TestRow72_LateRequestsUnderLoad(t *testing.T) {
	t.Parallel()
	const lateRequests, rows = 40, 20
	h := newHarness(t, relaytest.Options{Keys: exactlyOnce()})
	h.UseKafka(t, devstacktest.StartKafka(t, devstack.KafkaOptions{Proxied: true}), devstack.Proxied, 1)
	s := &stragglers{
		proxy: h.Kafka.Brokers()[0].Proxy(), within: 200 * time.Millisecond, rnd: devstacktest.Rand(t), caught: map[uint16]int{},
	}
	s.proxy.Catch(func(request []byte) bool { return s.take(t, request) })
	h.Start(t)
	n := 0
	h.Until(t, "enough requests to be late", func() bool {
		h.Exec(t, fmt.Sprintf(`INSERT INTO outbox (aggregatetype, aggregateid, type, payload)
			SELECT 'order', 'k' || i %% 17, 'Created', jsonb_build_object('n', i) FROM generate_series(%d, %d) i`, n, n+rows-1))
		n += rows
		return s.enough(lateRequests)
	})
	s.proxy.Heal()
	s.delivered.Wait()
	h.Confirmed(t)
	h.Stop(t)
	t.Logf("late requests by API key: %v; %v", s.caught, once(t, h))
}

// The first request of a relay had no answer, and reaches Kafka when that relay is dead and another runs: Kafka fences it.
// Nobody else runs, so it ends so that it is started again, and the next one goes on.
func TestRow72_LateRequestOfADeadRelay(t *testing.T) {
	t.Parallel()
	h := newHarness(t, relaytest.Options{Keys: exactlyOnce()})
	h.UseKafka(t, devstacktest.StartKafka(t, devstack.KafkaOptions{Proxied: true}), devstack.Proxied, 1)
	var late atomic.Pointer[[]byte]
	proxy := h.Kafka.Brokers()[0].Proxy()
	proxy.Catch(func(request []byte) bool {
		return binary.BigEndian.Uint16(request[4:]) == initProducerID && late.CompareAndSwap(nil, &request)
	})
	h.Start(t)
	h.Exec(t, relaytest.Insert("k", 1))
	h.Confirmed(t)
	h.killed(t)
	h.Exec(t, relaytest.Insert("k", 2))
	h.Confirmed(t)
	n := 2
	h.fenced(t, func() {
		if _, err := proxy.Send(t.Context(), *late.Load()); err != nil { // Kafka may be busy with a transaction
			t.Fatal(err)
		}
		n++
		h.Exec(t, relaytest.Insert("k", n))
	})
	h.Start(t)
	h.Exec(t, relaytest.Insert("k", n+1))
	h.Confirmed(t)
	h.Stop(t)
	once(t, h)
}
