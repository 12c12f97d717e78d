//go:build faults

package handover_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/dev/oracle"
	"github.com/walpost/walpost/dev/topicdump"
)

// record is a record of the topics, and what a consumer of it can compare: all but the timestamp, which is Debezium's clock,
// and Debezium's headers of context.
type record struct {
	id        string
	topic     string // without the prefix of the shadow
	partition int32
	offset    int64
	content   string // key, value and headers
	run       string // of the connector's task, by which Debezium marks its records; "": walpost wrote it
}

const contextHeaders = "__debezium.context."

func recordOf(m *sarama.ConsumerMessage) record {
	r := record{topic: strings.TrimPrefix(m.Topic, shadow), partition: m.Partition, offset: m.Offset}
	var content strings.Builder
	fmt.Fprintf(&content, "key %s value %s", shown(m.Key), shown(m.Value))
	for _, h := range m.Headers {
		name, is := strings.CutPrefix(string(h.Key), contextHeaders)
		if is && name == "runId" {
			r.run = string(h.Value)
		}
		if is {
			continue
		}
		if string(h.Key) == "id" && r.id == "" {
			r.id = lastID(h.Value)
		}
		fmt.Fprintf(&content, " header %q %s", h.Key, shown(h.Value))
	}
	r.content = content.String()
	return r
}

// lastID returns the id in a header: before it, the schema of its column has a default.
func lastID(header []byte) string {
	all := uuid.FindAllString(string(header), -1)
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1]
}

// shown tells no bytes from none at all.
func shown(b []byte) string {
	if b == nil {
		return "null"
	}
	return fmt.Sprintf("%q", b)
}

// read returns what is in the topics whose names begin so.
func (o *outbox) read(t *testing.T, prefix string) []record {
	t.Helper()
	var topics []string
	for _, aggregate := range types() {
		topics = append(topics, prefix+"."+aggregate)
	}
	all, err := topicdump.Read(t.Context(), o.kafka, recordOf, topics...)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// judged is all that was published in a test.
type judged struct {
	*outbox

	all []record
}

// judge reads what was committed and what was published: nothing may be lost or invented, each key must be in order, and
// every record must be that which walpost wrote beside, from a slot of its own, byte for byte.
func (o *outbox) judge(t *testing.T) *judged {
	t.Helper()
	j := &judged{outbox: o, all: o.read(t, o.name)}
	committed, err := oracle.Committed(t.Context(), o.db.Conn, "outbox")
	if err != nil {
		t.Fatal(err)
	}
	report := oracle.Compare(committed, o.events(committed, j.all))
	if t.Log(report); !report.Kept() || report.Committed == 0 {
		t.Errorf("%v", report)
	}
	beside := o.read(t, shadow+o.name)
	if r := oracle.Compare(committed, o.events(committed, beside)); !r.Kept() || r.Repeats > 0 {
		t.Errorf("beside: %v", r)
	}
	j.equal(t, beside)
	return j
}

// events have the number and the key of the row, whatever the converter made of them.
func (o *outbox) events(committed []oracle.Event, records []record) []oracle.Event {
	rows := map[string]oracle.Event{}
	for _, e := range committed {
		rows[e.ID] = e
	}
	var all []oracle.Event
	for _, r := range records {
		e := rows[r.id]
		e.ID = r.id
		all = append(all, e)
	}
	return all
}

// compared returns what of a record must be equal.
func (o *outbox) compared(r record) string {
	if o.differs == nil {
		return r.content
	}
	return o.differs.ReplaceAllLiteralString(r.content, "")
}

// equal compares each record with that of the same event beside.
func (j *judged) equal(t *testing.T, beside []record) {
	t.Helper()
	want := map[string]record{}
	for _, r := range beside {
		want[r.id] = r
	}
	differ := 0
	for _, r := range j.all {
		w := want[r.id]
		if differ < 5 && (r.topic != w.topic || r.partition != w.partition || j.compared(r) != j.compared(w)) {
			differ++
			t.Errorf("%s wrote\n%s/%d %s\nand walpost beside\n%s/%d %s", cmp.Or(r.run, "walpost"), r.topic, r.partition, r.content,
				w.topic, w.partition, w.content)
		}
	}
}

// turns are the events of each that published in turn, in their order: a run of the connector, walpost, another run. Each must
// have published its events once.
func (j *judged) turns(t *testing.T) (inOrder []map[string]bool) {
	t.Helper()
	turns := map[string]map[string]bool{}
	for _, r := range j.all {
		if turns[r.run] == nil {
			turns[r.run] = map[string]bool{}
		}
		if turns[r.run][r.id] {
			t.Errorf("%s published %s twice", cmp.Or(r.run, "walpost"), r.id)
		}
		turns[r.run][r.id] = true
	}
	for _, run := range j.order(t, len(turns)) {
		inOrder = append(inOrder, turns[run])
	}
	return inOrder
}

// order are the runs in the order in which they began, as a partition has it that all of them wrote to.
func (j *judged) order(t *testing.T, runs int) []string {
	t.Helper()
	began := map[string][]string{} // by topic and partition
	for _, r := range j.all {
		place := fmt.Sprintf("%s/%d", r.topic, r.partition)
		if !slices.Contains(began[place], r.run) {
			began[place] = append(began[place], r.run)
		}
	}
	for _, order := range began {
		if len(order) == runs {
			return order
		}
	}
	t.Fatalf("no partition has records of all runs: %v", began)
	return nil
}

// both are the events that are in both.
func both(one, other map[string]bool) []string {
	ids := []string{}
	for id := range one {
		if other[id] {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// aLastTransaction reports whether the events are of one transaction, and of others that were open beside it: it did not see
// them. The connector confirms the place where it read the last row, which is before the end of all these.
func (o *outbox) aLastTransaction(t *testing.T, ids []string) bool {
	t.Helper()
	return devstacktest.Value[bool](t, o.db.Conn, `WITH again AS (
		SELECT DISTINCT ON (payload->>'xid') (payload->>'xid')::xid8 AS xid, (payload->>'snapshot')::pg_snapshot AS seen
		FROM outbox WHERE id = ANY($1) ORDER BY payload->>'xid', (payload->>'n')::bigint)
		SELECT coalesce(bool_or((SELECT bool_and(a.xid = l.xid OR NOT pg_visible_in_snapshot(a.xid, l.seen)) FROM again a)), false)
		FROM again l`, ids)
}
