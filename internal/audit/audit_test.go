package audit_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/audit"
	"github.com/walpost/walpost/internal/config/configtest"
	"github.com/walpost/walpost/internal/recover"
	"github.com/walpost/walpost/internal/recover/recovertest"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/status"
)

func run(t *testing.T, f *recovertest.Fixture, o audit.Options) *audit.Report {
	t.Helper()
	o.Config, o.Examples = f.Config, 3
	r, err := audit.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// plant writes a record with an id that no row has.
func plant(t *testing.T, f *recovertest.Fixture, id string, at time.Time) {
	t.Helper()
	client, err := stack.Kafka(t).Client()
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	client.Config().Producer.Return.Successes = true
	p, err := sarama.NewSyncProducerFromClient(client)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, _, err := p.SendMessage(&sarama.ProducerMessage{
		Topic: f.Topic, Key: sarama.StringEncoder("k"), Value: sarama.StringEncoder("{}"), Timestamp: at,
		Headers: []sarama.RecordHeader{{Key: []byte("id"), Value: []byte(id)}},
	}); err != nil {
		t.Fatal(err)
	}
}

func TestAuditFindsWhatWasPlanted(t *testing.T) {
	t.Parallel()
	f := recovertest.New(t, &stack, nil)
	f.DeliverFirst(t)
	if r := run(t, f, audit.Options{}); !r.Equal() || r.Rows != 1000 || r.Records != 1000 || r.Repeats != 0 || !r.Settled {
		t.Errorf("%+v", r)
	}

	// Missing: written while the table is not published, the slot then past it.
	p := f.Config.Postgres.Publication
	f.Exec(t, "ALTER PUBLICATION "+p+" DROP TABLE outbox", relaytest.Insert("a", 1001), relaytest.Insert("a", 1002),
		"ALTER PUBLICATION "+p+" ADD TABLE outbox")
	f.Exec(t, "SELECT pg_replication_slot_advance('"+f.Config.Postgres.Slot+"', pg_current_wal_lsn())")
	lost := devstacktest.Value[string](t, f.DB.Conn,
		"SELECT string_agg(id::text, ' ' ORDER BY id) FROM outbox WHERE payload->>'n' IN ('1001', '1002')")
	plant(t, f, "phantom-1", time.Now())
	r := run(t, f, audit.Options{})
	slices.Sort(r.MissingIDs)
	if r.Missing != 2 || strings.Join(r.MissingIDs, " ") != lost || r.Phantom != 1 ||
		!slices.Equal(r.PhantomIDs, []string{"phantom-1"}) || r.Equal() {
		t.Errorf("%+v, want missing %s", r, lost)
	}
	if f.Recover(t, recover.Selection{All: true}, true); run(t, f, audit.Options{}).Missing != 0 {
		t.Error("missing after a recovery")
	}
	if r := run(t, f, audit.Options{}); r.Repeats != 1000 || r.Phantom != 1 {
		t.Errorf("%+v", r)
	}
}

// Ids are compared as texts, whatever the format of the headers is.
func TestAuditOfFormats(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"json", "json_schema"} {
		f := recovertest.New(t, &stack, recovertest.Formats().With(configtest.Keys{"outbox.format.headers": format}))
		f.DeliverFirst(t)
		if r := run(t, f, audit.Options{}); !r.Equal() || r.Rows != 1000 || r.Records != 1000 || r.Repeats != 0 {
			t.Errorf("%s: %+v", format, r)
		}
		plant(t, f, "written-as-text", time.Now())
		if r := run(t, f, audit.Options{}); !slices.Equal(r.PhantomIDs, []string{"written-as-text"}) || r.Missing != 0 {
			t.Errorf("%s: %+v", format, r)
		}
	}
}

func TestAuditDoesNotCallInFlightMissing(t *testing.T) {
	t.Parallel()
	f := recovertest.New(t, &stack, nil)
	f.DeliverFirst(t)
	f.Exec(t, recovertest.Fill("a", 1001, 1010)) // no relay is at work
	before := f.Slots(t)
	if r := run(t, f, audit.Options{}); !r.Equal() || r.InFlight != 10 || r.Rows != 1010 {
		t.Errorf("%+v", r)
	}
	if f.Slots(t) != before {
		t.Errorf("the audit moved the slot: %s, %s", before, f.Slots(t))
	}
	f.DropSlot(t)
	if r := run(t, f, audit.Options{}); r.Missing != 10 || r.InFlight != 0 || len(r.MissingIDs) != 3 {
		t.Errorf("%+v", r)
	}
}

func TestAuditWhileTheRelayWorks(t *testing.T) {
	t.Parallel()
	f := recovertest.New(t, &stack, nil)
	f.DeliverFirst(t)
	f.Start(t)
	stop := f.Write(t)
	for range 3 {
		if r := run(t, f, audit.Options{Wait: devstacktest.Patience}); !r.Equal() || !r.Settled {
			t.Errorf("%+v", r)
		}
	}
	stop()
	if err := f.End(t); err != nil {
		t.Error(err)
	}
}

func TestAuditKeepsToTheRange(t *testing.T) {
	t.Parallel()
	f := recovertest.New(t, &stack, nil)
	f.DeliverFirst(t)
	day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i, at := range []time.Time{day, day.Add(time.Hour), day.Add(2 * time.Hour)} {
		insert := strings.Replace(relaytest.Insert("a", 2000+i), "payload)", "payload, created)", 1)
		f.Exec(t, strings.Replace(insert, "}')", "}', '"+at.Format(time.RFC3339)+"')", 1))
		plant(t, f, "phantom-"+at.Format("15"), at)
	}
	f.DropSlot(t) // and with it those three
	r := run(t, f, audit.Options{Since: day.Add(time.Hour), Until: day.Add(2 * time.Hour)})
	if r.Rows != 1 || r.Missing != 1 || r.Phantom != 1 || !slices.Equal(r.PhantomIDs, []string{"phantom-01"}) {
		t.Errorf("%+v", r)
	}
	f.Configure(t, configtest.Keys{"outbox.timestamp": nil})
	_, err := audit.Run(t.Context(), audit.Options{Config: f.Config, Since: day})
	recovertest.WantHalt(t, err, status.ExitUsage, "--time-column")
	if r := run(t, f, audit.Options{TimeColumn: "created", Since: day, Until: day.Add(3 * time.Hour)}); r.Missing != 3 || r.Phantom != 3 {
		t.Errorf("%+v", r)
	}
}

// Rows of a table that inherits are not the outbox's: they are neither compared in
// silence nor published, and the commands say so.
func TestRow77_TableThatInherits(t *testing.T) {
	t.Parallel()
	f := recovertest.New(t, &stack, nil)
	f.DeliverFirst(t)
	f.Exec(t, "CREATE TABLE outbox_2026 () INHERITS (outbox)", "INSERT INTO outbox_2026 SELECT * FROM outbox LIMIT 1")
	const says = "outbox_2026 inherits from public.outbox"
	_, err := audit.Run(t.Context(), audit.Options{Config: f.Config})
	recovertest.WantHalt(t, err, status.ExitRequirement, says)
	_, _, err = f.Open(t, recover.Selection{All: true}, true)
	recovertest.WantHalt(t, err, status.ExitRequirement, says)
}

// Keys of several columns and of a member change nothing of what the audit compares, and a recovery publishes the same keys.
func TestAuditWithOtherKeys(t *testing.T) {
	t.Parallel()
	for want, key := range map[string]any{
		`["a","Created"]`: []string{"aggregateid", "type"}, "7": configtest.Keys{"json": "payload", "member": "n"},
	} {
		f := recovertest.New(t, &stack, configtest.Keys{"outbox.key": key})
		f.Recover(t, recover.Selection{All: true}, false)
		f.Exec(t, relaytest.Insert("a", 7))
		f.Deliver(t)
		f.Recover(t, recover.Selection{All: true}, true)
		if r := run(t, f, audit.Options{}); !r.Equal() || r.Rows != 1 || r.Records != 2 || r.Repeats != 1 {
			t.Errorf("%s: %+v", want, r)
		}
		records, err := stack.Kafka(t).Records(t.Context(), f.Topic)
		if err != nil || len(records) != 2 || string(records[0].Key) != want || string(records[1].Key) != want {
			t.Errorf("records %v, %v, want the key %s", records, err, want)
		}
	}
}
