package e2e_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.yaml.in/yaml/v4"

	"github.com/walpost/walpost/internal/cli/clitest"
	"github.com/walpost/walpost/internal/record"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/router"
	"github.com/walpost/walpost/internal/router/debezium"
	"github.com/walpost/walpost/internal/router/vectortest"
)

// Each record that Debezium wrote, written by walpost from the same SQL: topic,
// partition, key, value, headers and time stamp. The topics have the case's own
// name in front, so that cases share a Kafka.
func TestGoldenVectors(t *testing.T) {
	t.Parallel()
	cases, err := vectortest.ReadGolden("../../testdata/vectors/golden.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		m, reason := c.Mapping()
		if reason != "" {
			continue // docs/debezium.md lists them, and a test holds it to that
		}
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			g := newGolden(t, c, m)
			g.Exec(t, c.Before)
			existing := g.publishExisting(t)
			g.Start(t)
			g.compare(t, append(existing, g.committing(t)...))
			g.Stop(t)
		})
	}
}

// golden is one case on its servers.
type golden struct {
	vectortest.Golden
	*harness

	topics []string
}

func newGolden(t *testing.T, c vectortest.Golden, m router.Mapping) *golden {
	t.Helper()
	o := relaytest.Options{DDL: c.DDL, Partitions: c.Partitions, Keys: mappingKeys(m)}
	if len(c.Records) > 0 {
		o.Topic = relaytest.Prefix + "." + c.Records[0].Topic
	}
	g := &golden{Golden: c, harness: &harness{Harness: relaytest.New(t, &stack, o)}}
	for _, r := range g.Records {
		topic := g.topic(&r)
		if slices.Contains(g.topics, topic) {
			continue
		}
		if topic != g.Topic {
			if err := g.Kafka.CreateTopic(t.Context(), topic, g.Partitions, 1, nil); err != nil {
				t.Fatal(err)
			}
		}
		g.topics = append(g.topics, topic)
	}
	return g
}

// topic is where walpost is to publish a record that Debezium wrote.
func (g *golden) topic(r *vectortest.Record) string { return g.Prefix + "." + r.Topic }

// mappingKeys are a mapping as a user would write it, with a prefix of its own before
// the topic.
func mappingKeys(m router.Mapping) keys {
	topic := relaytest.Prefix + "."
	for _, p := range m.Topic {
		topic += p.Literal
		if p.Column != "" {
			topic += "{" + p.Column + "}"
		}
	}
	all := keys{}
	if m.TopicRegex != "" {
		all["outbox.topic_regex"] = regexp.QuoteMeta(relaytest.Prefix+".") + "(?:" + m.TopicRegex + ")"
		all["outbox.topic_replacement"] = relaytest.Prefix + "." + m.Replacement
	}
	text := func(s string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s} }
	headers := &yaml.Node{Kind: yaml.MappingNode} // no map, since their order counts
	for _, h := range m.Headers {
		headers.Content = append(headers.Content, text(h.Name), text(h.Column))
	}
	maps.Copy(all, keys{
		"outbox.topic": topic, "outbox.id": m.ID, "outbox.key": m.Key, "outbox.value": m.Value,
		"outbox.timestamp": m.Timestamp, "outbox.partition": m.Partition, "outbox.headers": headers,
	})
	maps.Copy(all, formatKeys(&m.Format))
	if m.IgnoreMissing {
		all["outbox.missing_columns"] = "ignore"
	}
	return all
}

// formatKeys are the keys of a format that are not at their defaults: some are refused
// where they change nothing.
func formatKeys(f *router.Format) keys {
	encodings := map[router.Encoding]string{router.EncodingJSON: "json", router.EncodingJSONSchema: "json_schema"}
	binaries := map[debezium.Binary]string{
		debezium.BinaryBase64: "base64", debezium.BinaryBase64URL: "base64-url-safe", debezium.BinaryHex: "hex",
	}
	all := keys{}
	set := func(key, value string) {
		if value != "" {
			all["outbox.format."+key] = value
		}
	}
	if f.ExpandJSON {
		all["outbox.format.expand_json"] = true
	}
	if f.TombstoneOnNull {
		all["outbox.format.tombstone_on_empty"] = true
	}
	set("key", encodings[f.Key])
	set("value", encodings[f.Value])
	set("headers", encodings[f.Headers])
	set("binary", binaries[f.Binary])
	set("null_behavior", map[bool]string{true: "optional_bytes"}[f.KeepNull])
	set("empty_array_behavior", map[bool]string{true: "optional_string"}[f.KeepEmptyArray])
	set("schema_version", f.SchemaVersion)
	if len(f.Envelope) > 0 {
		envelope := []map[string]string{}
		for _, e := range f.Envelope {
			envelope = append(envelope, map[string]string{e.Column: e.Name})
		}
		all["outbox.format.envelope"] = envelope
		if f.Value == router.EncodingJSONSchema {
			set("topic_prefix", f.TopicPrefix)
		}
	}
	return all
}

// publishExisting publishes what is in the table, where Debezium did, and gives a time for
// each row: zero, as it is that of publishing.
func (g *golden) publishExisting(t *testing.T) []time.Time {
	t.Helper()
	if !g.Snapshot() {
		return nil
	}
	if out, err := clitest.Command(t, "init", "--publish-existing", "-c", g.File(t, nil)).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return make([]time.Time, len(g.Records)-len(g.SQL))
}

// committing runs the statements, waits until the slot is confirmed up to their
// end, and gives the commit time of each insert, as a second slot saw it.
func (g *golden) committing(t *testing.T) []time.Time {
	t.Helper()
	witness := "witness_" + g.Prefix
	g.Exec(t, "SELECT pg_create_logical_replication_slot('"+witness+"', 'pgoutput')")
	g.Exec(t, g.SQL...)
	g.Confirmed(t)
	rows, err := g.DB.Conn.Query(t.Context(), `SELECT data FROM pg_logical_slot_get_binary_changes('`+witness+`',
		NULL::pg_lsn, NULL::int, 'proto_version', '1', 'publication_names', '`+g.harness.Config.Postgres.Publication+`')`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var at time.Time
	var commits []time.Time
	for rows.Next() {
		data := rows.RawValues()[0]
		switch data[0] {
		case 'B': // final LSN, microseconds since 2000
			at = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(binary.BigEndian.Uint64(data[9:])) * time.Microsecond)
		case 'I':
			commits = append(commits, at)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return commits
}

// compare finds each record that Debezium wrote among those in Kafka, once, and
// within a partition in the same order.
func (g *golden) compare(t *testing.T, commits []time.Time) {
	t.Helper()
	got := consume(t, g.Kafka, g.topics...)
	if len(got) != len(g.Records) || len(commits) != len(g.Records) {
		t.Fatalf("%d records of %d inserts, want %d", len(got), len(commits), len(g.Records))
	}
	taken := map[*kgo.Record]bool{}
	type place struct {
		topic     string
		partition int32
	}
	next := map[place]int64{}
	for i := range g.Records {
		want := &g.Records[i]
		at := wantTime(want, commits[i])
		n := slices.IndexFunc(got, func(r *kgo.Record) bool { return !taken[r] && g.same(r, want, at) })
		if n < 0 {
			t.Errorf("record %d is not in Kafka: topic %q, partition %s, key %q, value %q, at %d, headers\n %q\nthere are", i,
				g.topic(want), partition(want), want.Key, want.Value, at, want.Headers)
			for _, r := range got {
				t.Errorf("topic %q, partition %d, key %q, value %q, at %d, headers\n %q", r.Topic, r.Partition, r.Key, r.Value,
					r.Timestamp.UnixMilli(), r.Headers)
			}
			return
		}
		r := got[n]
		taken[r] = true
		where := place{r.Topic, r.Partition}
		if want.Partition != nil && r.Offset < next[where] {
			t.Errorf("record %d has offset %d of partition %d, behind a later one", i, r.Offset, r.Partition)
		}
		next[where] = r.Offset
	}
}

// wantTime returns the time of the record of a row that committed then; -1: any.
func wantTime(want *vectortest.Record, commit time.Time) int64 {
	switch {
	case want.Timestamp != nil:
		return *want.Timestamp
	case commit.IsZero():
		return -1
	}
	return commit.UnixMilli()
}

func partition(want *vectortest.Record) string {
	text, err := json.Marshal(want.Partition)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func (g *golden) same(r *kgo.Record, want *vectortest.Record, at int64) bool {
	return r.Topic == g.topic(want) && (want.Partition == nil || r.Partition == *want.Partition) &&
		(at < 0 || r.Timestamp.UnixMilli() == at) && sameBytes(r.Key, want.Key) && sameBytes(r.Value, want.Value) &&
		slices.EqualFunc(r.Headers, want.Headers, func(a kgo.RecordHeader, b record.Header) bool {
			return a.Key == b.Name && sameBytes(a.Value, b.Value)
		})
}

// sameBytes reports whether a and b are equal. NULL and empty are not.
func sameBytes(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(a, b) }
