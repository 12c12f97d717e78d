package e2e_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/walpost/walpost/internal/relay/relaytest"
)

// keyPartitions is of how many partitions the Java client chose one for these keys.
const keyPartitions = 12

// TestKeysOfSeveralColumns compares keys, and the partitions that Kafka's Java client (4.1.0, BuiltInPartitioner) has for
// their bytes.
func TestKeysOfSeveralColumns(t *testing.T) {
	t.Parallel()
	h := with(t, relaytest.Options{
		DDL: relaytest.OutboxDDL + "; ALTER TABLE outbox ADD tenant text, ALTER aggregateid DROP NOT NULL", Partitions: keyPartitions,
		Keys: keys{"outbox.key": []string{"tenant", "aggregateid"}},
	})
	h.Start(t)
	for _, values := range []string{`'t1', '42'`, `'t1', NULL`, `'t2', '42'`, `E'a"b\\\n', 'é😀'`, `NULL, NULL`} {
		h.Exec(t, fmt.Sprintf(`INSERT INTO outbox
			(aggregatetype, type, payload, tenant, aggregateid) VALUES ('order', 'Created', '{"n": 1}', %s)`, values))
	}
	h.Confirmed(t)
	wantKeys(t, h, "", []string{`["a\"b\\\n","é😀"] in 9`, `["t1","42"] in 10`, `["t1",null] in 8`, `["t2","42"] in 6`})
	h.Stop(t)
}

// TestKeyOfAMember takes the keys as Eventuate Tram writes them: a member of the headers.
func TestKeyOfAMember(t *testing.T) {
	t.Parallel()
	h := with(t, relaytest.Options{
		DDL: relaytest.OutboxDDL + "; ALTER TABLE outbox ADD headers text", Partitions: keyPartitions,
		Keys: keys{
			"outbox.key":         keys{"json": "headers", "member": "PARTITION_ID"},
			"outbox.headers":     inOrder(t, "*", keys{"json": "headers"}),
			"delivery.on_reject": "dead_letter", "delivery.dead_letter": "{topic}.DLT", "kafka.topics.create": true,
		},
	})
	h.Start(t)
	for _, object := range []string{
		`'{"PARTITION_ID":"p-17","DATE":"x"}'`, `'{"PARTITION_ID": 42.50}'`, `'{"PARTITION_ID": true}'`,
		`'{"DATE":"x"}'`, `NULL`, `'secret'`,
	} {
		h.Exec(t, fmt.Sprintf(`INSERT INTO outbox (aggregatetype, aggregateid, type, payload, headers)
			VALUES ('order', 'k', 'Created', '{"n": 1}', %s)`, object))
	}
	h.Confirmed(t)
	wantKeys(t, h, "dead, invalid_key", []string{"42.50 in 3", "p-17 in 10", "true in 10"})
	h.Stop(t)
}

// wantKeys compares the records that have a key, with their partitions, and the dead letter if there is one.
func wantKeys(t *testing.T, h *harness, dead string, want []string) {
	t.Helper()
	records := consume(t, h.Kafka, h.Topic)
	var got []string
	none := 0
	for _, r := range records {
		if r.Key == nil {
			none++
			continue
		}
		got = append(got, fmt.Sprintf("%s in %d", r.Key, r.Partition))
	}
	slices.Sort(got)
	if !slices.Equal(got, want) || none == 0 {
		t.Errorf("keys %q and %d without, want %q", got, none, want)
	}
	if dead == "" {
		return
	}
	letters := consume(t, h.Kafka, h.Topic+".DLT")
	if len(letters) != 1 || letters[0].Key != nil || !strings.Contains(headersOf(letters[0]), "walpost-dlt-reason=invalid_key") ||
		strings.Contains(headersOf(letters[0]), "secret") {
		t.Errorf("dead letters %v", letters)
	}
}
