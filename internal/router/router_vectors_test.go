package router_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/walpost/walpost/internal/record"
	"github.com/walpost/walpost/internal/router"
	"github.com/walpost/walpost/internal/router/vectortest"
	"github.com/walpost/walpost/internal/topicname"
)

const vectors = "../../testdata/vectors/"

func TestMurmur2Vectors(t *testing.T) {
	f, err := os.Open(vectors + "murmur2.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := 0
	for s := bufio.NewScanner(f); s.Scan(); lines++ {
		var v struct {
			Key                  string
			P1, P3, P6, P12, P50 int32
		}
		if err := json.Unmarshal(s.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		for n, want := range map[int32]int32{1: v.P1, 3: v.P3, 6: v.P6, 12: v.P12, 50: v.P50} {
			if got := record.Partition([]byte(v.Key), n); got != want {
				t.Errorf("key %q, %d partitions: %d, want %d", v.Key, n, got, want)
			}
		}
	}
	if lines == 0 {
		t.Fatal("no vectors")
	}
}

// Every golden record with a key, of any converter, lies where murmur2 says,
// unless a column chose its partition.
func TestPartitionOfGoldenRecords(t *testing.T) {
	cases, err := vectortest.ReadGolden(vectors + "golden.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	records := 0
	for _, c := range cases {
		m, _ := c.Mapping()
		for i, rec := range c.Records {
			if rec.Key == nil || rec.Partition == nil || m.Partition != "" {
				continue
			}
			records++
			if got := record.Partition(rec.Key, c.Partitions); got != *rec.Partition {
				t.Errorf("%s, record %d: key %q in partition %d, want %d", c.Name, i, rec.Key, got, *rec.Partition)
			}
		}
	}
	if records < 100 {
		t.Errorf("%d records compared", records)
	}
}

func TestEventRouterVectors(t *testing.T) {
	cases, err := vectortest.ReadEventRouter(vectors + "eventrouter.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	ran, variants := 0, 0
	for _, c := range cases {
		list, reason := c.Variants()
		if reason != "" {
			continue
		}
		ran++
		for _, v := range list {
			variants++
			t.Run(c.Case+"/"+v.Converter, func(t *testing.T) { routeVector(t, &c, &v) })
		}
	}
	if ran < 47 || variants < 100 {
		t.Errorf("%d of %d cases apply, under %d converters", ran, len(cases), variants)
	}
}

func routeVector(t *testing.T, c *vectortest.EventRouter, v *vectortest.Variant) {
	r, err := router.New(v.Mapping)
	if err != nil && c.Error != "" {
		return // Debezium refuses the configuration at start, or at the first record
	}
	if err != nil {
		t.Fatal(err)
	}
	r.Learn(c.Facts())
	ins, err := c.Insert()
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.Route(ins, time.UnixMilli(1767225600123), record.Position{})
	if c.Error != "" {
		var schema *router.SchemaError
		var rejection *record.Rejection
		if !errors.As(err, &schema) && !errors.As(err, &rejection) {
			t.Fatalf("error %v, want the row refused as Debezium does: %s", err, c.Error)
		}
		return
	}
	rejection, rejected := errors.AsType[*record.Rejection](err)
	if err != nil && !rejected {
		t.Fatal(err)
	}
	if invalid := !topicname.Valid(c.Topic); rejected != invalid || rejected && rejection.Reason != record.ReasonTopicName {
		t.Fatalf("error %v for the topic %s", err, c.Topic) // Kafka refuses the name later, and the task dies
	}
	want := &v.Record
	if got.Topic != want.Topic || got.Timestamp != *want.Timestamp {
		t.Errorf("topic %q at %d, want %q at %d", got.Topic, got.Timestamp, want.Topic, *want.Timestamp)
	}
	if want.Partition != nil && got.Partition != *want.Partition || want.Partition == nil && got.Partition != -1 {
		t.Errorf("partition %d", got.Partition)
	}
	if !same(got.Key, want.Key) {
		t.Errorf("key %q, want %q", got.Key, want.Key)
	}
	if !same(got.Value, want.Value) {
		t.Errorf("value %q, want %q", got.Value, want.Value)
	}
	if !slices.EqualFunc(got.Headers, want.Headers, func(a, b record.Header) bool {
		return a.Name == b.Name && same(a.Value, b.Value)
	}) {
		t.Errorf("headers\n %q, want\n %q", got.Headers, want.Headers)
	}
}

// same reports whether a and b are equal. nil and empty are not.
func same(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(a, b) }
