package batch

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/record"
)

// bytesOrNil tells nil from empty, as a record must.
func bytesOrNil(t *rapid.T, what string) []byte {
	if rapid.Bool().Draw(t, what+" is nil") {
		return nil
	}
	return append([]byte{}, rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, what)...)
}

func drawRecord(t *rapid.T) (*record.Record, Meta) {
	rec := &record.Record{
		Topic: "t", Key: bytesOrNil(t, "key"), Value: bytesOrNil(t, "value"),
		Timestamp: rapid.Int64Min(0).Draw(t, "timestamp"), Partition: rapid.Int32Min(-1).Draw(t, "partition"),
	}
	for range rapid.IntRange(0, 4).Draw(t, "headers") {
		rec.Headers = append(rec.Headers, record.Header{Name: rapid.String().Draw(t, "name"), Value: bytesOrNil(t, "header")})
	}
	return rec, Meta{
		Event: rapid.Uint64().Draw(t, "event"), CommittedAt: rapid.Int64().Draw(t, "committedAt"), Partition: rec.Partition,
		Position: record.Position{CommitLSN: pgoutput.LSN(rapid.Uint64().Draw(t, "lsn")), Ordinal: rapid.Uint32().Draw(t, "ordinal")},
		Size:     int32(WireSize(rec)), IsDeadLetter: rapid.Bool().Draw(t, "dead"),
		Cause: rapid.Int32Min(NoCause).Draw(t, "cause"),
	}
}

func same(a, b []byte) bool { return bytes.Equal(a, b) && (a == nil) == (b == nil) }

func checkRecord(t *rapid.T, got, want *record.Record) {
	t.Helper()
	ok := same(got.Key, want.Key) && same(got.Value, want.Value) && got.Timestamp == want.Timestamp &&
		got.Partition == want.Partition && got.Topic == want.Topic && len(got.Headers) == len(want.Headers)
	for i := range want.Headers {
		ok = ok && got.Headers[i].Name == want.Headers[i].Name && same(got.Headers[i].Value, want.Headers[i].Value)
	}
	if !ok {
		t.Fatalf("got %+v, want %+v", got, want)
	}
}

// What is queued comes out as it went in, nil apart from empty, alone and in both
// halves of whatever split.
func TestPackedRecordsComeOutAsTheyWentIn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		memory := &Memory{limit: 1 << 20}
		b := memory.New()
		var records []*record.Record
		var metas []Meta
		for range rapid.IntRange(1, 200).Draw(t, "records") {
			rec, m := drawRecord(t)
			memory.Add(b, rec, &m)
			records, metas = append(records, rec), append(metas, m)
		}
		check(t, b, records, metas)
		for b.Count > 1 && rapid.Bool().Draw(t, "split") {
			at := rapid.IntRange(1, b.Count-1).Draw(t, "at")
			left, right := memory.Split(b, at)
			check(t, left, records[:at], metas[:at])
			check(t, right, records[at:], metas[at:])
			if rapid.Bool().Draw(t, "go on with the right half") {
				b, records, metas = right, records[at:], metas[at:]
				memory.Free(left)
			} else {
				b, records, metas = left, records[:at], metas[:at]
				memory.Free(right)
			}
		}
		memory.Free(b)
		if used := memory.Used(); used != 0 {
			t.Fatalf("%d bytes are not given back", used)
		}
	})
}

func check(t *rapid.T, b *Batch, records []*record.Record, metas []Meta) {
	t.Helper()
	i, size := 0, 0
	for r := range b.All() {
		checkRecord(t, r.Record("t"), records[i])
		if m := r.Meta(); m != metas[i] {
			t.Fatalf("record %d: %+v, want %+v", i, m, metas[i])
		}
		size += r.Size()
		i++
	}
	if i != len(records) || b.Count != i || b.Size != size || b.First() != metas[0].Event {
		t.Fatalf("%d records of %d, count %d, size %d of %d, first %d", i, len(records), b.Count, b.Size, size, b.First())
	}
}

// Memory that is given back serves again, and never holds more than the limit.
func TestMemoryIsReused(t *testing.T) {
	m := &Memory{limit: 4 << 20}
	for _, n := range []int{100, 5_000, 20_000, 70_000, 900_000} {
		c := m.get(0, n)
		m.put(c)
		if again := m.get(0, n); again != c {
			t.Errorf("a chunk for %d bytes is made anew", n)
		} else {
			m.put(c)
		}
	}
	var taken []*chunk
	for range 200 {
		taken = append(taken, m.get(3, 60_000))
	}
	for _, c := range taken {
		m.put(c)
	}
	if m.Used() != 0 || m.spare > m.limit || m.spare == 0 {
		t.Errorf("used %d, spare %d of at most %d", m.Used(), m.spare, m.limit)
	}
}
