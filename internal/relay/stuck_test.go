package relay_test

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/dev/devstack/pause"
	"github.com/walpost/walpost/internal/relay"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/replication/walsendertest"
	"github.com/walpost/walpost/internal/status"
)

// unsendable is an event with a byte that its database takes and UTF-8 does not have.
// In the encoding WIN1252 the column type gets it, whatever the encoding of the client.
func unsendable(key string, n int) string {
	return fmt.Sprintf(`INSERT INTO outbox (aggregatetype, aggregateid, type, payload)
		VALUES ('order', '%s', convert_from('\x63616681', 'WIN1252'), '{"n": %d}')`, key, n)
}

// A row that Postgres cannot send halts the relay with Postgres' words and the place,
// after what was before it is in Kafka and confirmed: at each start again, and nothing
// comes twice but the transaction that the row is in. Until then the status is red.
func TestRow90_RowThatPostgresCannotSend(t *testing.T) {
	t.Parallel()
	db := stack.DatabaseOf(t, "ENCODING 'WIN1252' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
	h := newHarness(t, relaytest.Options{DB: db})
	h.Prepare = func(r *relay.Relay) { r.SetStuckFor(2 * time.Second) }
	h.Start(t)
	h.Stop(t)
	h.Released(t)
	db.Exec(t, relaytest.Insert("k", 1), relaytest.Insert("k", 2), relaytest.Insert("k", 3),
		"BEGIN", relaytest.Insert("k", 4), unsendable("k", 5), "COMMIT", relaytest.Insert("k", 6))
	xid := devstacktest.Value[string](t, db.Conn, "SELECT xmin::text FROM outbox WHERE payload->>'n' = '5'")
	for range 2 {
		h.Launch(t)
		h.Until(t, "a status that shows it", func() bool {
			report := h.Report("")
			return report.State == status.Connecting && strings.Contains(report.Reason, "22P05") && !report.Ready() &&
				slices.Equal(h.conditions(), []string{status.ConditionPostgres})
		})
		err := h.Wait(t)
		if status.ExitCode(err) != status.ExitHalted {
			t.Fatalf("ended with %v", err)
		}
		for _, words := range []string{
			"0x81", "22P05", "transaction " + xid, "after 1 of its events", "walpost recover", "xmin::text = '" + xid + "'",
		} {
			if !strings.Contains(err.Error(), words) {
				t.Errorf("%q is not in %v", words, err)
			}
		}
		if h.Log.Len() > 30 || h.Log.FilterMessage("Postgres is available again").Len() > 0 {
			t.Errorf("%d lines in the log: %v", h.Log.Len(), h.Log.All())
		}
		h.Released(t)
	}
	if got := numbers(h.consume(t, h.Topic, 5)); !slices.Equal(got, []int{1, 2, 3, 4, 4}) {
		t.Errorf("published %v", got)
	}
}

func numbers(records []*kgo.Record) []int {
	var list []int
	for _, r := range records {
		var n int
		_, _ = fmt.Sscanf(string(r.Value), `{"n": %d}`, &n)
		list = append(list, n)
	}
	slices.Sort(list)
	return list
}

// What ends streams again and again and may pass is waited out: with longer pauses,
// few lines, a status that says so, and "Postgres is available again" only when it is.
// What cannot pass halts. In virtual time.
func TestRow91_StreamsThatDieYoung(t *testing.T) {
	t.Parallel()
	for code, halts := range map[string]bool{
		"53200": false, "57014": false, "55P03": false, "58030": false, "57P01": false, "40P01": false,
		"22P05": true, "XX000": true, "54000": true, "42883": true,
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { dieYoung(t, code, halts) })
		})
	}
}

func dieYoung(t *testing.T, code string, halts bool) {
	var streams atomic.Int32
	var healed atomic.Bool
	core, logs := observer.New(zap.InfoLevel)
	v := startVirtualLogged(t, func(s *walsendertest.Stream) error {
		streams.Add(1)
		if !healed.Load() {
			pause.Virtual(time.Second)
			return fault(s, code)
		}
		for {
			if _, over, err := s.Status(); over || err != nil {
				return err
			}
		}
	}, nil, zap.New(core))
	defer awaitClosed()
	defer v.cluster.Close()
	if halts {
		if err := <-v.done; status.ExitCode(err) != status.ExitHalted || !strings.Contains(err.Error(), code) || streams.Load() < 5 {
			t.Errorf("ended with %v after %d streams", err, streams.Load())
		}
		return
	}
	pause.Virtual(10 * time.Minute)
	report := v.relay.Report("")
	if report.State != status.Connecting || !strings.Contains(report.Reason, code) || report.Ready() {
		t.Errorf("it is %s: %s", report.State, report.Reason)
	}
	if n := streams.Load(); n < 60 || n > 160 {
		t.Errorf("%d streams in ten minutes", n)
	}
	if n := logs.Len(); n > 50 {
		t.Errorf("%d lines in ten minutes", n)
	}
	again := func() int { return logs.FilterMessage("Postgres is available again").Len() }
	before := again()
	healed.Store(true)
	within(t, 30*time.Second, "stream", func() bool { return v.relay.Status().State == status.Streaming })
	if before > 1 || again() != before+1 {
		t.Errorf("'available again' was logged %d times, and at the end %d", before, again())
	}
	close(v.stop)
	if err := <-v.done; err != nil {
		t.Errorf("ended with %v", err)
	}
}

// fault ends a stream with an error of the server.
func fault(s *walsendertest.Stream, code string) error {
	answer := pgproto3.ErrorResponse{Severity: "ERROR", Code: code, Message: "no " + code}
	b, err := answer.Encode(nil)
	if err != nil {
		return err
	}
	return s.Raw(b)
}
