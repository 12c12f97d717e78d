// Package oracle says whether a relay kept its promises: it compares the events
// that are committed in the outbox table with the records that are in Kafka.
//
// It is used by tests, the demo and the benchmark. It knows the table, the topics
// and nothing of walpost: it reads Postgres with plain SQL and Kafka with a plain
// consumer.
package oracle

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/IBM/sarama"
	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/dev/topicdump"
)

// Event is one event as its writer knows it: the number rises by one with each
// event of a key.
type Event struct {
	ID     string
	Key    string
	Number int64
}

// Committed reads the events in an outbox table whose payload is an object with
// the event's number as n.
func Committed(ctx context.Context, conn *pgx.Conn, table string) ([]Event, error) {
	rows, err := conn.Query(ctx, `SELECT id::text, aggregateid, (payload->>'n')::bigint FROM `+table)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Event])
}

// Report is a comparison.
type Report struct {
	Committed  int // events in the table
	Records    int // records in Kafka
	Lost       int // committed and not in Kafka
	Phantom    int // in Kafka and not committed
	Repeats    int // records beyond the first of an event
	OutOfOrder int // first records of a key that are behind a later one
	Examples   []string
}

// Kept reports whether nothing is lost, invented or out of order. Repeats are for the
// caller to judge.
func (r *Report) Kept() bool { return r.Lost == 0 && r.Phantom == 0 && r.OutOfOrder == 0 }

func (r *Report) String() string {
	s := fmt.Sprintf("committed %d, records %d: lost %d, rolled back and published %d, out of order %d, repeats %d",
		r.Committed, r.Records, r.Lost, r.Phantom, r.OutOfOrder, r.Repeats)
	if len(r.Examples) > 0 {
		s += " (" + strings.Join(r.Examples, "; ") + ")"
	}
	return s
}

// Compare checks records, those of each key in the order in which they are in Kafka.
func Compare(committed, records []Event) *Report {
	r := &Report{Committed: len(committed), Records: len(records)}
	want := make(map[string]Event, len(committed))
	for _, e := range committed {
		want[e.ID] = e
	}
	seen := r.judge(want, records)
	for id := range want {
		if !seen[id] {
			r.Lost++
			r.example("event %s is not in Kafka", id)
		}
	}
	return r
}

// judge looks at each record, and returns which events were there.
func (r *Report) judge(want map[string]Event, records []Event) (seen map[string]bool) {
	seen = make(map[string]bool, len(records))
	highest := map[string]int64{}
	for _, e := range records {
		w, committed := want[e.ID]
		switch {
		case !committed:
			r.Phantom++
			r.example("event %s was not committed", e.ID)
		case seen[e.ID]:
			r.Repeats++
		default:
			seen[e.ID] = true
			if last, known := highest[w.Key]; known && w.Number < last {
				r.OutOfOrder++
				r.example("key %s: %d behind %d", w.Key, w.Number, last)
			}
			highest[w.Key] = max(highest[w.Key], w.Number)
		}
	}
	return seen
}

func (r *Report) example(format string, args ...any) {
	if len(r.Examples) < 5 {
		r.Examples = append(r.Examples, fmt.Sprintf(format, args...))
	}
}

// Consumed reads what is in the topics at this moment, those of each partition in order: the event's id from the header
// "id", its key, and n from the payload's text.
func Consumed(ctx context.Context, client sarama.Client, topics ...string) ([]Event, error) {
	return topicdump.Read(ctx, client, eventOf, topics...)
}

// ConsumedCommitted is Consumed for a consumer with isolation.level=read_committed.
func ConsumedCommitted(ctx context.Context, client sarama.Client, topics ...string) ([]Event, error) {
	return topicdump.ReadCommitted(ctx, client, eventOf, topics...)
}

func eventOf(m *sarama.ConsumerMessage) Event {
	e := Event{Key: string(m.Key), Number: -1}
	for _, h := range m.Headers {
		if string(h.Key) == "id" {
			e.ID = string(h.Value)
			break
		}
	}
	if _, rest, ok := strings.Cut(string(m.Value), `"n": `); ok {
		if n, err := strconv.ParseInt(rest[:strings.IndexAny(rest+",", ",} ")], 10, 64); err == nil {
			e.Number = n
		}
	}
	return e
}
