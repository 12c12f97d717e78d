package recover_test

import (
	"testing"

	"github.com/walpost/walpost/internal/config/configtest"
	"github.com/walpost/walpost/internal/recover"
	"github.com/walpost/walpost/internal/recover/recovertest"
	"github.com/walpost/walpost/internal/relay/relaytest"
)

// Neither a first start nor a recovery publishes rows that are no events.
func TestRecoveryPublishesEventsAlone(t *testing.T) {
	t.Parallel()
	for _, first := range []bool{false, true} {
		f := recovertest.New(t, &stack, configtest.Keys{"outbox.filter": configtest.Keys{"kind": []string{"a", `it's \ "b"`}}})
		f.First = first
		f.Exec(t, "ALTER TABLE outbox ADD kind text")
		for i, kind := range []string{"a", "b", `it''s \ "b"`, "A"} {
			f.Exec(t, relaytest.Insert("k", i), "UPDATE outbox SET kind = '"+kind+"' WHERE kind IS NULL")
		}
		f.Exec(t, relaytest.Insert("k", 4)) // NULL
		r, plan, err := f.Open(t, recover.Selection{All: true}, false)
		if err != nil || plan.Rows != 2 {
			t.Fatalf("%+v, %v", plan, err)
		}
		r.Close(t.Context())
		if result := f.Recover(t, recover.Selection{All: true}, false); result.Rows != 2 || result.Acknowledged != 2 {
			t.Errorf("%+v", result)
		}
		records, err := stack.Kafka(t).Records(t.Context(), f.Topic)
		if err != nil || len(records) != 2 {
			t.Errorf("%d records, %v", len(records), err)
		}
	}
}
