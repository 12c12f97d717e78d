package audit_test

import (
	"slices"
	"testing"
	"time"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/audit"
	"github.com/walpost/walpost/internal/config/configtest"
	"github.com/walpost/walpost/internal/recover/recovertest"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/status"
)

// Rows that are no events are not missing, and their topics are nobody's. The record of one
// that was an event before is no phantom.
func TestAuditOfEventsAlone(t *testing.T) {
	t.Parallel()
	f := recovertest.New(t, &stack, configtest.Keys{
		"outbox.topic": relaytest.Prefix + ".{aggregatetype}", "outbox.filter": configtest.Keys{"aggregatetype": []string{"order"}},
	})
	f.Topic += ".order"
	if err := f.Kafka.CreateTopic(t.Context(), f.Topic, 1, 1, nil); err != nil {
		t.Fatal(err)
	}
	f.Start(t)
	f.Exec(t, relaytest.Insert("a", 1), relaytest.Insert("a", 2), "INSERT INTO outbox (aggregatetype, aggregateid) VALUES ('secret', 'a')")
	f.Confirmed(t)
	f.Stop(t)
	r := run(t, f, audit.Options{})
	if !r.Equal() || r.Rows != 2 || r.Records != 2 || !slices.Equal(r.Topics, []string{f.Topic}) || len(r.Notes) > 0 {
		t.Errorf("%+v", r)
	}
	plant(t, f, devstacktest.Value[string](t, f.DB.Conn, "SELECT id::text FROM outbox WHERE aggregatetype = 'secret'"), time.Now())
	if r := run(t, f, audit.Options{}); !r.Equal() || r.Records != 3 {
		t.Errorf("%+v", r)
	}
	f.Exec(t, "INSERT INTO outbox (aggregatetype, aggregateid) VALUES ('order', 'a'), ('secret', 'a')") // they wait in the slot
	if r := run(t, f, audit.Options{}); !r.Equal() || r.InFlight != 1 || r.Rows != 3 {
		t.Errorf("%+v", r)
	}
	f.Configure(t, configtest.Keys{"outbox.filter": configtest.Keys{"kind": []string{"x"}}})
	_, err := audit.Run(t.Context(), audit.Options{Config: f.Config})
	recovertest.WantHalt(t, err, status.ExitRequirement, `no column "kind"`, "outbox.filter")
}
