package producer

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

func drawRecord(t *rapid.T) (*record.Record, meta) {
	rec := &record.Record{
		Topic: "t", Key: bytesOrNil(t, "key"), Value: bytesOrNil(t, "value"),
		Timestamp: rapid.Int64Min(0).Draw(t, "timestamp"), Partition: rapid.Int32Min(-1).Draw(t, "partition"),
	}
	for range rapid.IntRange(0, 4).Draw(t, "headers") {
		rec.Headers = append(rec.Headers, record.Header{Name: rapid.String().Draw(t, "name"), Value: bytesOrNil(t, "header")})
	}
	return rec, meta{
		event: rapid.Uint64().Draw(t, "event"), committedAt: rapid.Int64().Draw(t, "committedAt"), partition: rec.Partition,
		position: record.Position{CommitLSN: pgoutput.LSN(rapid.Uint64().Draw(t, "lsn")), Ordinal: rapid.Uint32().Draw(t, "ordinal")},
		size:     int32(size(rec)), isDeadLetter: rapid.Bool().Draw(t, "dead"),
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
		p := NewOffline("t", 1, 1<<20)
		pt := p.topics["t"].partitions[0]
		var records []*record.Record
		var metas []meta
		for range rapid.IntRange(1, 200).Draw(t, "records") {
			rec, m := drawRecord(t)
			p.append(pt, rec, &m)
			records, metas = append(records, rec), append(metas, m)
		}
		check(t, p.Producer, pt.head, records, metas)
		for pt.head.count > 1 && rapid.Bool().Draw(t, "split") {
			at := rapid.IntRange(1, pt.head.count-1).Draw(t, "at")
			p.split(pt, at)
			check(t, p.Producer, pt.head, records[:at], metas[:at])
			check(t, p.Producer, pt.head.next, records[at:], metas[at:])
			if rapid.Bool().Draw(t, "go on with the right half") {
				records, metas = records[at:], metas[at:]
				p.drop(pt)
			} else {
				records, metas = records[:at], metas[:at]
				rest := pt.head.next
				pt.head.next, pt.tail = nil, pt.head
				p.freeBatch(rest)
			}
		}
		p.drop(pt)
		if used := p.memory.used.Load(); used != 0 {
			t.Fatalf("%d bytes are not given back", used)
		}
	})
}

func check(t *rapid.T, p *Producer, b *batch, records []*record.Record, metas []meta) {
	t.Helper()
	i, size := 0, 0
	for r := range b.all() {
		checkRecord(t, r.record("t"), records[i])
		if m := p.meta(r); m != metas[i] {
			t.Fatalf("record %d: %+v, want %+v", i, m, metas[i])
		}
		size += r.size()
		i++
	}
	if i != len(records) || b.count != i || b.size != size || b.first() != metas[0].event {
		t.Fatalf("%d records of %d, count %d, size %d of %d, first %d", i, len(records), b.count, b.size, size, b.first())
	}
}

// Memory that is given back serves again, and never holds more than the limit.
func TestMemoryIsReused(t *testing.T) {
	m := &memory{limit: 4 << 20}
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
	if m.used.Load() != 0 || m.spare > m.limit || m.spare == 0 {
		t.Errorf("used %d, spare %d of at most %d", m.used.Load(), m.spare, m.limit)
	}
}
