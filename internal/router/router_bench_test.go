package router

import (
	"strings"
	"testing"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/record"
	"github.com/walpost/walpost/internal/router/debezium"
	"github.com/walpost/walpost/internal/topicname"
)

// workload is a mapping and a row whose routing must not allocate.
type workload struct {
	name    string
	mapping Mapping
	insert  *pgoutput.Insert
}

func workloads() []workload {
	positioned := defaultMapping()
	positioned.PositionHeader = "walpost-position"

	converting := defaultMapping()
	converting.Key, converting.Timestamp, converting.Partition = "k", "at", "p"
	converting.Headers = append(converting.Headers,
		HeaderColumn{Name: "at", Column: "at"},
		HeaderColumn{Name: "flag", Column: "flag"},
		HeaderColumn{Name: "k", Column: "k"},
	)
	rel := outbox(
		pgoutput.Column{Name: "k", TypeOID: debezium.OIDBytea, TypeMod: -1},
		pgoutput.Column{Name: "at", TypeOID: debezium.OIDTimestamptz, TypeMod: -1},
		pgoutput.Column{Name: "p", TypeOID: debezium.OIDInt4, TypeMod: -1},
		pgoutput.Column{Name: "flag", TypeOID: debezium.OIDBool, TypeMod: -1},
	)
	members, rel2 := jsonHeaders()
	regex := defaultMapping()
	regex.Topic = topicname.Template{{Column: "aggregatetype"}}
	regex.TopicRegex, regex.Replacement = `(?<a>[A-Z][a-z]+)(.*)`, "ev.${a}$2"
	return []workload{
		{"JSON headers", members, large(insert(rel2, text(`{"tenant": "acme", "n": 1, "esc": "a\nb", "o": {"a": [1]}}`)))},
		{"default", defaultMapping(), large(insert(outbox()))},
		{"topic of a regex", regex, large(insert(outbox()))},
		{"position header", positioned, large(insert(outbox()))},
		{
			"converted columns", converting,
			large(insert(rel, text(`\x0001ff`), text("2026-01-01 00:00:00.123456+00"), text("3"), text("t"))),
		},
	}
}

// large sets in the row a payload of 250 bytes.
func large(ins *pgoutput.Insert) *pgoutput.Insert {
	return with(ins, 4, text(`{"a": "`+strings.Repeat("x", 241)+`"}`))
}

// The steady state allocates nothing per row.
func TestRouteAllocatesNothing(t *testing.T) {
	for _, w := range workloads() {
		r, at := newRouter(t, w.mapping), commitTime()
		n := testing.AllocsPerRun(1000, func() {
			if _, err := r.Route(w.insert, at, record.Position{CommitLSN: 1, Ordinal: 1}); err != nil {
				t.Fatal(err)
			}
		})
		if n != 0 {
			t.Errorf("%s: %v allocations per row", w.name, n)
		}
	}
}

func BenchmarkRoute(b *testing.B) {
	for _, w := range workloads() {
		b.Run(w.name, func(b *testing.B) {
			r, at := newRouter(b, w.mapping), commitTime()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.Route(w.insert, at, record.Position{CommitLSN: 1, Ordinal: 1}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkPartition(b *testing.B) {
	key := []byte(anID)
	b.ReportAllocs()
	for b.Loop() {
		record.Partition(key, 12)
	}
}
