package relay_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/status"
)

// noTable is a database of events without a table; the business row is the truth.
const noTable = `CREATE TABLE orders (id int PRIMARY KEY)`

// messages are the keys of these tests.
var messages = keys{"outbox.source": "message", "outbox.position_header": "position"}

// emit is one event with a number, and its business row.
func emit(key string, n int) string {
	return fmt.Sprintf(`WITH o AS (INSERT INTO orders VALUES (%d)) SELECT pg_logical_emit_message(true, 'outbox',
		json_build_object('id', %[1]d, 'aggregatetype', 'order', 'aggregateid', '%s', 'type', 'Created',
			'payload', '{"n": %[1]d}')::text)`, n, key)
}

// emitMany is emit for many numbers under seven keys, in one transaction.
func emitMany(from, to int) string {
	return fmt.Sprintf(`WITH o AS (INSERT INTO orders SELECT generate_series(%d, %d)) SELECT count(pg_logical_emit_message(true, 'outbox',
		json_build_object('id', i, 'aggregatetype', 'order', 'aggregateid', 'k' || i %% 7, 'type', 'Created',
			'payload', jsonb_build_object('n', i)::text)::text))
		FROM generate_series(%[1]d, %[2]d) i`, from, to)
}

func header(r *kgo.Record, name string) string {
	for _, h := range r.Headers {
		if h.Key == name {
			return string(h.Value)
		}
	}
	return ""
}

// once checks that the topic has the event of every order once and none else, and
// gives the ids in the order of positions.
func (h *harness) once(t *testing.T) []string {
	t.Helper()
	rows, err := h.DB.Conn.Query(t.Context(), "SELECT id::text FROM orders ORDER BY id")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		want = append(want, id)
	}
	if rows.Err() != nil {
		t.Fatal(rows.Err())
	}
	all := h.consume(t, h.Topic, len(want))
	rises := map[int32]string{}
	var got []string
	for _, r := range all {
		if at := header(r, "position"); at <= rises[r.Partition] {
			t.Errorf("position %s after %s", at, rises[r.Partition])
		} else {
			rises[r.Partition] = at
		}
		got = append(got, header(r, "id"))
	}
	inOrder := slices.SortedFunc(slices.Values(all), func(x, y *kgo.Record) int {
		return strings.Compare(header(x, "position"), header(y, "position"))
	})
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%d records for %d orders", len(got), len(want))
	}
	var ids []string
	for _, r := range inOrder {
		ids = append(ids, header(r, "id"))
	}
	return ids
}

// Only what commits is published, in its order: not what is rolled back, to a
// savepoint too, nor messages outside of a transaction, nor those of others.
func TestMessagesOfCommittedTransactionsOnly(t *testing.T) {
	t.Parallel()
	h := newHarness(t, relaytest.Options{DDL: noTable, Keys: messages})
	h.Start(t)
	h.Exec(t, emit("a", 1),
		"BEGIN", emit("a", 2), "ROLLBACK",
		"BEGIN", emit("a", 3), "SAVEPOINT s", emit("a", 4), "ROLLBACK TO s",
		emit("a", 5), "SAVEPOINT r", emit("a", 6), "RELEASE r", "COMMIT",
		"SELECT pg_logical_emit_message(false, 'outbox', '{\"id\": \"x\"}')",
		"BEGIN", "SELECT pg_logical_emit_message(false, 'outbox', '{\"id\": \"x\"}')", "ROLLBACK",
		"SELECT pg_logical_emit_message(true, 'heartbeat', 'x')",
		"CREATE TABLE outbox (id int)", "ALTER PUBLICATION "+h.Config.Postgres.Publication+" ADD TABLE outbox",
		"INSERT INTO outbox VALUES (1)",
		emit("b", 7))
	h.Confirmed(t)
	if got := h.once(t); !slices.Equal(got, []string{"1", "3", "5", "6", "7"}) {
		t.Errorf("published %v", got)
	}
	if n := h.Seen.Ignored.Load(); n != 4 {
		t.Errorf("%d changes ignored, want the 3 messages and the row", n)
	}
	h.Stop(t)
}

// A connection that is lost in the middle of a large transaction, again and again,
// repeats nothing; nor does a relay that is stopped in order and started again.
func TestMessagesAfterLostConnectionsRepeatNothing(t *testing.T) {
	t.Parallel()
	for _, major := range []int{15, 18} {
		t.Run(fmt.Sprint(major), func(t *testing.T) {
			t.Parallel()
			server := devstacktest.StartPostgres(t, devstack.PostgresOptions{Major: major})
			h := newHarness(t, relaytest.Options{
				DB: devstacktest.DatabaseOn(t, server, "postgres"), DDL: noTable, Keys: messages.With(keys{"delivery.in_flight": "1MiB"}),
			})
			h.Start(t)
			const huge = 60_000
			h.Exec(t, emitMany(1, huge))
			for lost := range int64(3) {
				h.Until(t, "more to be published", func() bool { return h.Seen.Records.Load() > (lost+1)*huge/5 })
				before := h.Seen.Connects.Load()
				h.Exec(t, "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = '"+
					h.Config.Postgres.Slot+"' AND active")
				h.Until(t, "streaming again", func() bool { return h.Seen.Connects.Load() > before })
			}
			h.Exec(t, emit("k1", huge+1))
			h.Confirmed(t)
			h.Stop(t)
			h.Start(t)
			h.Exec(t, emit("k1", huge+2))
			h.Confirmed(t)
			if ids := h.once(t); len(ids) != huge+2 || ids[0] != "1" || ids[huge+1] != fmt.Sprint(huge+2) {
				t.Errorf("%d records", len(ids))
			}
		})
	}
}

// Content that is no event follows delivery.on_reject.
func TestMessageThatIsNoEvent(t *testing.T) {
	t.Parallel()
	const wrong = `SELECT pg_logical_emit_message(true, 'outbox', '{"payload": {"secret": 1}}')`
	for _, policy := range []string{"stop", "skip", "dead_letter"} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, relaytest.Options{DDL: noTable, Keys: messages.With(rejects(policy))})
			if policy == "dead_letter" {
				if err := h.Kafka.CreateTopic(t.Context(), h.Config.Delivery.DeadLetter.String(), 1, 1, nil); err != nil {
					t.Fatal(err)
				}
			}
			h.Start(t)
			h.Exec(t, emit("a", 1), wrong, "INSERT INTO orders VALUES (2)")
			if policy == "stop" {
				halt, ok := errors.AsType[*status.Halt](h.Wait(t))
				if !ok || halt.Code != status.ExitHalted || !strings.Contains(halt.Detail, "not an event") ||
					strings.Contains(halt.Error(), "secret") {
					t.Errorf("%+v", halt)
				}
				return
			}
			h.Exec(t, "DELETE FROM orders WHERE id = 2", emit("a", 3))
			h.Confirmed(t)
			h.once(t)
			if policy == "dead_letter" {
				letter := h.consume(t, h.Config.Delivery.DeadLetter.String(), 1)[0]
				if string(letter.Value) != `{"payload": {"secret": 1}}` || header(letter, "walpost-dlt-reason") != "invalid_message" {
					t.Errorf("%s %v", letter.Value, letter.Headers)
				}
			}
		})
	}
}

// The publication is not missed by messages: the relay goes on where Postgres does
// (18), and halts where it breaks the stream at the next change of a table.
func TestMessagesWithoutThePublication(t *testing.T) {
	t.Parallel()
	for _, major := range []int{15, 18} {
		t.Run(fmt.Sprint(major), func(t *testing.T) {
			t.Parallel()
			server := devstacktest.StartPostgres(t, devstack.PostgresOptions{Major: major})
			h := newHarness(t, relaytest.Options{DB: devstacktest.DatabaseOn(t, server, "postgres"), DDL: noTable, Keys: messages})
			h.Start(t)
			h.Exec(t, emit("a", 1))
			h.Confirmed(t)
			h.Exec(t, "DROP PUBLICATION "+h.Config.Postgres.Publication, `SELECT pg_logical_emit_message(true, 'outbox',
				'{"id": "2", "aggregatetype": "order", "aggregateid": "a", "payload": "{}"}')`)
			h.Until(t, "the message to be published", func() bool { return h.Seen.Records.Load() == 2 })
			h.Exec(t, emit("a", 3))
			if major >= 18 {
				h.Until(t, "the next one too", func() bool { return h.Seen.Records.Load() == 3 })
				return
			}
			halt, ok := errors.AsType[*status.Halt](h.Wait(t))
			if !ok || halt.Code != status.ExitHalted || !strings.Contains(halt.Hint, "walpost drop") {
				t.Errorf("%+v", halt)
			}
		})
	}
}
