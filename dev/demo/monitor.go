package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// slot is the replication slot that walpost makes for a relay named demo.
const slot = "walpost_demo"

// counts are where the events are at a moment. Every event is one of the first number, and of the next ones as it gets on.
type counts struct {
	at           time.Time
	committed    int // in the database
	published    int // in Kafka, and read by the consumer
	acknowledged int // confirmed to the slot
	records      int // in Kafka, those that came again included
}

// lag returns how many committed events the consumer has not seen; it may have seen some
// that are not booked yet.
func (c counts) lag() int { return max(0, c.committed-c.published) }

// monitor counts again and again, and shows it.
type monitor struct {
	screen   *screen
	conn     *pgx.Conn
	book     *ledger
	consumer *consumer
	started  time.Time
	stop     chan struct{}
	done     chan struct{}

	mu      sync.Mutex
	history []counts // of the last second, oldest first
	marks   []mark   // not yet confirmed, oldest first
	acked   int
}

// mark says that so many events were committed when the WAL reached to there.
type mark struct {
	lsn       uint64
	committed int
}

const sampleEvery = 100 * time.Millisecond

// startMonitor begins to show the counts. When they cannot be had, fail is told. It owns conn from now on.
func startMonitor(ctx context.Context, s *screen, conn *pgx.Conn, book *ledger, c *consumer, fail func(error)) *monitor {
	m := &monitor{
		screen: s, conn: conn, book: book, consumer: c, started: time.Now(),
		stop: make(chan struct{}), done: make(chan struct{}),
	}
	s.say("%s", s.bold("   time   committed   published   acknowledged      lag   events/s"))
	go func() {
		defer close(m.done)
		ticker := time.NewTicker(sampleEvery)
		defer ticker.Stop()
		for {
			if err := m.sample(ctx); err != nil {
				fail(fmt.Errorf("read the slot's position: %w", err))
				return
			}
			m.screen.redraw(m.line())
			select {
			case <-ctx.Done():
				return
			case <-m.stop:
				return
			case <-ticker.C:
			}
		}
	}()
	return m
}

// sample counts once. What is committed is counted before the WAL's end is asked for: all of it is then before that end.
// For the screen the counts are taken against the way of an event, so that none seems to be ahead of itself.
func (m *monitor) sample(ctx context.Context) error {
	now := counts{at: time.Now()}
	committed := m.book.committed()
	var end, confirmed uint64
	err := m.conn.QueryRow(ctx, `SELECT (pg_current_wal_flush_lsn() - '0/0')::bigint, (confirmed_flush_lsn - '0/0')::bigint
		FROM pg_replication_slots WHERE slot_name = $1`, slot).Scan(&end, &confirmed)
	if err != nil {
		return err
	}
	now.published, now.records = m.consumer.counts()
	now.committed = m.book.committed()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.marks = append(m.marks, mark{lsn: end, committed: committed})
	for len(m.marks) > 0 && m.marks[0].lsn <= confirmed {
		m.acked = m.marks[0].committed
		m.marks = m.marks[1:]
	}
	now.acknowledged = m.acked
	m.history = append(m.history, now)
	for len(m.history) > 2 && now.at.Sub(m.history[1].at) >= time.Second {
		m.history = m.history[1:]
	}
	return nil
}

// now is the newest counts.
func (m *monitor) now() counts {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.history) == 0 {
		return counts{}
	}
	return m.history[len(m.history)-1]
}

// rate returns how many events a second arrived at the consumer in the last second.
func (m *monitor) rate() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.history) < 2 {
		return 0
	}
	first, last := m.history[0], m.history[len(m.history)-1]
	return int(float64(last.published-first.published) / last.at.Sub(first.at).Seconds())
}

// line is the counts under the heading.
func (m *monitor) line() string {
	c := m.now()
	return fmt.Sprintf("%5.0f s %11s %11s %14s %8s %10s", c.at.Sub(m.started).Seconds(), number(c.committed), number(c.published),
		number(c.acknowledged), number(c.lag()), number(m.rate()))
}

// end stops counting; the last line stays.
func (m *monitor) end(ctx context.Context) error {
	close(m.stop)
	<-m.done
	m.screen.settle(m.line())
	return m.conn.Close(ctx)
}
