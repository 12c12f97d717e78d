package pgoutput_test

import (
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/pgoutput/pgoutputtest"
)

func genName() *rapid.Generator[string] { return rapid.StringMatching(`[^\x00]{0,20}`) }

func genTime() *rapid.Generator[time.Time] {
	return rapid.Custom(func(t *rapid.T) time.Time {
		us := rapid.Int64().Draw(t, "µs") / 1e3 // keeps away from the ends of int64, where the encoder overflows
		return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(us) * time.Microsecond)
	})
}

func genRelation() *rapid.Generator[*pgoutput.Relation] {
	column := rapid.Custom(func(t *rapid.T) pgoutput.Column {
		return pgoutput.Column{
			Name:    genName().Draw(t, "column"),
			TypeOID: rapid.Uint32().Draw(t, "type"),
			TypeMod: rapid.Int32().Draw(t, "modifier"),
			Key:     rapid.Bool().Draw(t, "key"),
		}
	})
	return rapid.Custom(func(t *rapid.T) *pgoutput.Relation {
		return &pgoutput.Relation{
			ID:              rapid.Uint32Range(1, 3).Draw(t, "oid"), // few, so that tables are announced again
			Namespace:       genName().Draw(t, "schema"),
			Name:            genName().Draw(t, "table"),
			ReplicaIdentity: rapid.Byte().Draw(t, "identity"),
			Columns:         rapid.SliceOfN(column, 0, 12).Draw(t, "columns"),
		}
	})
}

func genTuple(columns int, kinds ...pgoutput.Kind) *rapid.Generator[pgoutput.Tuple] {
	value := rapid.Custom(func(t *rapid.T) pgoutput.Value {
		v := pgoutput.Value{Kind: rapid.SampledFrom(kinds).Draw(t, "kind")}
		if v.Kind == pgoutput.Text || v.Kind == pgoutput.Binary {
			v.Data = rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "data")
		}
		return v
	})
	return rapid.Custom(func(t *rapid.T) pgoutput.Tuple {
		return rapid.SliceOfN(value, columns, columns).Draw(t, "row")
	})
}

// stream feeds a decoder with encoded messages and compares what comes out. rels
// holds each table as a decoder should remember it.
type stream struct {
	dec  *pgoutput.Decoder
	rels map[uint32]*pgoutput.Relation
}

func (s *stream) expect(t *rapid.T, b []byte, want pgoutput.Message) pgoutput.Message {
	got, err := s.dec.Decode(b)
	if err != nil {
		t.Fatalf("decode %x: %v", b, err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("decode %x:\n got %+v\nwant %+v", b, got, want)
	}
	return got
}

func (s *stream) relation(t *rapid.T) *pgoutput.Relation {
	if len(s.rels) == 0 {
		t.Skip("no table announced yet")
	}
	id := rapid.Uint32Range(1, 3).Draw(t, "oid")
	if s.rels[id] == nil {
		t.Skip("this table is not announced yet")
	}
	return s.rels[id]
}

func (s *stream) announce(t *rapid.T) {
	want := genRelation().Draw(t, "relation")
	if want.Columns == nil {
		want.Columns = []pgoutput.Column{}
	}
	got := s.expect(t, pgoutputtest.AppendRelation(nil, want), want).(*pgoutput.Relation)
	if got == s.rels[got.ID] {
		t.Fatal("a Relation message gave the relation of the one before")
	}
	s.rels[got.ID] = got
}

func (s *stream) insertRow(t *rapid.T) {
	r := s.relation(t)
	row := genTuple(len(r.Columns), pgoutput.Null, pgoutput.Text, pgoutput.Binary).Draw(t, "new")
	want := &pgoutput.Insert{Relation: r, Row: row}
	got := s.expect(t, pgoutputtest.AppendInsert(nil, r.ID, row), want).(*pgoutput.Insert)
	if got.Relation != r {
		t.Fatal("an insert does not point to the relation announced last")
	}
}

func (s *stream) changeRow(t *rapid.T) {
	r := s.relation(t)
	row := genTuple(len(r.Columns), pgoutput.Null, pgoutput.Text, pgoutput.Binary, pgoutput.Unchanged)
	before, after := row.Draw(t, "old"), row.Draw(t, "new")
	kind := rapid.SampledFrom([]byte{0, 'K', 'O'}).Draw(t, "kind")
	s.expect(t, pgoutputtest.AppendUpdate(nil, r.ID, kind, before, after), &pgoutput.Update{Relation: r})
	if kind != 0 {
		s.expect(t, pgoutputtest.AppendDelete(nil, r.ID, kind, before), &pgoutput.Delete{Relation: r})
	}
}

func (s *stream) transaction(t *rapid.T) {
	begin := &pgoutput.Begin{
		CommitLSN:  pgoutput.LSN(rapid.Uint64Range(1, 1<<63).Draw(t, "commit")),
		CommitTime: genTime().Draw(t, "time"),
		XID:        rapid.Uint32().Draw(t, "xid"),
	}
	s.expect(t, pgoutputtest.AppendBegin(nil, begin), begin)
	commit := &pgoutput.Commit{
		CommitLSN:  begin.CommitLSN,
		EndLSN:     begin.CommitLSN + pgoutput.LSN(rapid.Uint64Range(1, 1<<62).Draw(t, "size")),
		CommitTime: begin.CommitTime,
	}
	s.expect(t, pgoutputtest.AppendCommit(nil, commit), commit)
}

func (s *stream) others(t *rapid.T) {
	origin := &pgoutput.Origin{CommitLSN: pgoutput.LSN(rapid.Uint64().Draw(t, "lsn")), Name: genName().Draw(t, "name")}
	s.expect(t, pgoutputtest.AppendOrigin(nil, origin), origin)
	typ := &pgoutput.Type{OID: rapid.Uint32().Draw(t, "oid"), Namespace: origin.Name, Name: genName().Draw(t, "name")}
	s.expect(t, pgoutputtest.AppendType(nil, typ), typ)
	ids := rapid.SliceOfN(rapid.Uint32(), 1, 9).Draw(t, "oids")
	options := rapid.ByteRange(0, 3).Draw(t, "options")
	s.expect(t, pgoutputtest.AppendTruncate(nil, options, ids...), &pgoutput.Truncate{RelationIDs: ids})
	msg := &pgoutput.LogicalMessage{
		Transactional: rapid.Bool().Draw(t, "transactional"),
		LSN:           origin.CommitLSN,
		Prefix:        genName().Draw(t, "prefix"),
		Content:       rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "content"),
	}
	s.expect(t, pgoutputtest.AppendLogicalMessage(nil, msg), msg)
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &stream{dec: pgoutput.NewDecoder(), rels: make(map[uint32]*pgoutput.Relation)}
		t.Repeat(map[string]func(*rapid.T){
			"announce":    s.announce,
			"insert":      s.insertRow,
			"change":      s.changeRow,
			"transaction": s.transaction,
			"others":      s.others,
		})
	})
}
