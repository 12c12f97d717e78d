package cli_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/relay/relaytest"
)

func TestInitPublishesWhatIsInTheTable(t *testing.T) {
	t.Parallel()
	s := newSetup(t, nil)
	s.db.Exec(t, relaytest.OutboxDDL, insert("a", "k", 1), insert("a", "k", 2), insert("b", "k", 1))
	r := walpost(t, "init", "--publish-existing", "--dry-run", "-c", s.file)
	r.want(t, 0, "CREATE PUBLICATION", "-- rows: 3 in public.outbox are to be published, ordered by place in the table",
		"no column tells the order of the rows", "--order")
	r = walpost(t, "init", "--publish-existing", "--json", "-c", s.file)
	r.want(t, 0)
	var got []struct {
		Steps         []struct{ Action, Kind, Detail string }
		RowsPublished *int64 `json:"rows_published"`
	}
	if err := json.Unmarshal([]byte(r.out), &got); err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got[0].RowsPublished == nil || *got[0].RowsPublished != 3 {
		t.Errorf("%s", r.out)
	}
	if n := len(devstacktest.Consume(t, stack.Kafka(t), 3, s.prefix+".a", s.prefix+".b")); n != 3 {
		t.Errorf("%d records", n)
	}
	walpost(t, "init", "--publish-existing", "-c", s.file).want(t, 0, "exists slot",
		"none are published: the slot exists", "walpost replay")
	walpost(t, "check", "-c", s.file).want(t, 0, "ok postgres slot")
}

// An interrupted first start is finished by the same command alone.
func TestInitAfterAFirstStartThatWasCut(t *testing.T) {
	t.Parallel()
	s := newSetup(t, nil)
	publication := "walpost_" + s.db.Name
	s.db.Exec(t, relaytest.OutboxDDL, insert("a", "k", 1), "CREATE PUBLICATION "+publication+" FOR TABLE outbox WITH (publish = 'insert')",
		fmt.Sprintf("COMMENT ON PUBLICATION %s IS 'walpost: rows from before slot %[1]s are being published'", publication))
	for _, command := range []string{"init", "run", "check"} {
		walpost(t, command, "-c", s.file).want(t, 3, "has not come to its end", "walpost init --publish-existing")
	}
	left := publication + "_recover"
	s.db.Exec(t, "COMMENT ON PUBLICATION "+publication+" IS NULL", "SELECT pg_create_logical_replication_slot('"+left+"', 'pgoutput')")
	walpost(t, "init", "-c", s.file).want(t, 3, "slot "+left+" is there", "walpost drop")
	walpost(t, "drop", "--yes", "-c", s.file).want(t, 0, "dropped slot "+left, "absent slot", "dropped publication")
	s.db.Exec(t, "CREATE PUBLICATION "+publication+" FOR TABLE outbox WITH (publish = 'insert')",
		"SELECT pg_create_logical_replication_slot('"+left+"', 'pgoutput')")
	r := walpost(t, "init", "--publish-existing", "-c", s.file)
	r.want(t, 0, "exists publication", "rows: 1 of public.outbox are published", "created slot "+publication)
	if strings.Contains(walpost(t, "check", "-c", s.file).out, "failed") {
		t.Errorf("%s", r.out)
	}
}

func TestInitRefusesExistingRowsOfNoTable(t *testing.T) {
	t.Parallel()
	s := newSetup(t, keys{"outbox.source": "message", "outbox.writers": "any"})
	walpost(t, "init", "--publish-existing", "-c", s.file).want(t, 3, "there is no table to read", "without --publish-existing")
	walpost(t, "init", "--order", "id", "-c", s.file).want(t, 2, "--order and --timestamp are of rows that --publish-existing publishes")
}
