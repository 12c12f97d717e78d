package pgoutput_test

import (
	"bytes"
	"errors"
	"io"
	"math"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/pgoutput/pgoutputtest"
)

// inPieces is a source that gives so many bytes at a time.
type inPieces struct {
	b []byte
	n int
}

func (s *inPieces) Next(n int) ([]byte, error) {
	if len(s.b) == 0 {
		return nil, io.ErrUnexpectedEOF
	}
	n = min(n, s.n, len(s.b))
	piece := bytes.Clone(s.b[:n])
	s.b = s.b[n:]
	return piece, nil
}

// keepUpTo keeps so many bytes of every column, and of a content.
type keepUpTo int

func (m keepUpTo) Columns(r *pgoutput.Relation) []int {
	limits := make([]int, len(r.Columns))
	for i := range limits {
		limits[i] = int(m)
	}
	return limits
}
func (m keepUpTo) Content(string, bool) int { return int(m) }

// none keeps nothing.
type none struct{}

func (none) Columns(*pgoutput.Relation) []int { return nil }
func (none) Content(string, bool) int         { return 0 }

// A message that is read piece by piece is what it is when it is read at once, and
// one that is not what the protocol says fails in both ways.
func TestLongMessageIsReadAsAShortOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		msg := bytes.Clone(rapid.SampledFrom(sampleMessages()).Draw(t, "message"))
		switch rapid.IntRange(0, 2).Draw(t, "how") {
		case 1: // one byte is another
			msg[rapid.IntRange(0, len(msg)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
		case 2: // cut, or too long
			msg = append(msg, 0, 0)[:rapid.IntRange(1, len(msg)+2).Draw(t, "length")]
		}
		short, long := pgoutput.NewDecoder(), pgoutput.NewDecoder()
		for _, d := range []*pgoutput.Decoder{short, long} {
			if _, err := d.Decode(pgoutputtest.AppendRelation(nil, pgoutputtest.Outbox())); err != nil {
				t.Fatal(err)
			}
		}
		want, wantErr := short.Decode(msg)
		got, err := long.DecodeLong(&inPieces{b: msg, n: rapid.IntRange(1, 30).Draw(t, "piece")}, len(msg), keepUpTo(math.MaxInt))
		if bytes.IndexByte([]byte("IUDTM"), msg[0]) < 0 {
			if err == nil {
				t.Fatalf("a message %q was taken", msg[0])
			}
			return
		}
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%x: %v, at once %v", msg, err, wantErr)
		}
		if _, decode := errors.AsType[*pgoutput.DecodeError](err); err != nil && !decode {
			t.Fatalf("%T: %v", err, err)
		}
		if err == nil && !reflect.DeepEqual(plain(got), plain(want)) {
			t.Fatalf("%x:\n%+v, at once\n%+v", msg, got, want)
		}
	})
}

// plain takes away what two decoders may have differently: where a relation is.
func plain(m pgoutput.Message) any {
	switch m := m.(type) {
	case *pgoutput.Insert:
		return struct {
			r pgoutput.Relation
			t pgoutput.Tuple
		}{*m.Relation, m.Row}
	case *pgoutput.Update:
		return *m.Relation
	case *pgoutput.Delete:
		return *m.Relation
	case *pgoutput.Truncate: // which tables is left out
		return 'T'
	default:
		return m
	}
}

// Of a long row the columns are kept that are wanted and fit, together too; of
// others the beginning.
func TestLongRowIsKeptInPart(t *testing.T) {
	rel := pgoutputtest.Outbox()
	columns := [][]byte{
		bytes.Repeat([]byte("a"), 40), bytes.Repeat([]byte("b"), 5000),
		bytes.Repeat([]byte("c"), 6000), bytes.Repeat([]byte("d"), 20_000), []byte("e"),
	}
	var row pgoutput.Tuple
	for _, c := range columns {
		row = append(row, pgoutput.Value{Kind: pgoutput.Text, Data: c})
	}
	msg := pgoutputtest.AppendInsert(nil, rel.ID, row)
	for name, tt := range map[string]struct {
		keep pgoutput.Keep
		want []int // bytes kept, -1024 is the beginning
	}{
		"all":      {keepUpTo(math.MaxInt), []int{40, 5000, 6000, 20_000, 1}},
		"the sum":  {keepUpTo(10_000), []int{40, 5000, -1024, -1024, 1}},
		"a few":    {keepUpTo(10), []int{40, -1024, -1024, -1024, 1}},
		"not ours": {none{}, []int{0, 0, 0, 0, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			d := pgoutput.NewDecoder()
			decode(t, d, pgoutputtest.AppendRelation(nil, rel))
			m, err := d.DecodeLong(&inPieces{b: msg, n: 700}, len(msg), tt.keep)
			if err != nil {
				t.Fatal(err)
			}
			for i, v := range m.(*pgoutput.Insert).Row {
				whole := tt.want[i] > 0
				n := max(tt.want[i], -tt.want[i])
				if (v.Kind == pgoutput.Text) != whole || !bytes.Equal(v.Data, columns[i][:n]) || !whole && int(v.Size) != len(columns[i]) {
					t.Errorf("column %d: kind %q, %d bytes of %d, want %d", i, v.Kind, len(v.Data), v.Size, tt.want[i])
				}
			}
		})
	}
}

// A length that lies is an error before memory is made for it.
func TestLongRowWithALengthThatLies(t *testing.T) {
	rel := pgoutputtest.Outbox()
	row := pgoutputtest.OutboxRow()
	msg := pgoutputtest.AppendInsert(nil, rel.ID, row)
	lie := bytes.Clone(msg)
	lie[9] = 0x3f // the first column's length
	d := pgoutput.NewDecoder()
	decode(t, d, pgoutputtest.AppendRelation(nil, rel))
	_, err := d.DecodeLong(&inPieces{b: lie, n: 10}, len(lie), keepUpTo(math.MaxInt))
	if _, ok := errors.AsType[*pgoutput.DecodeError](err); !ok {
		t.Errorf("%v", err)
	}
}

// FuzzDecodeLong: no input makes it panic, or read beyond the message.
func FuzzDecodeLong(f *testing.F) {
	for _, b := range sampleMessages() {
		f.Add(b, 3)
	}
	f.Fuzz(func(t *testing.T, b []byte, n int) {
		d := pgoutput.NewDecoder()
		decode(t, d, pgoutputtest.AppendRelation(nil, pgoutputtest.Outbox()))
		src := &inPieces{b: append(bytes.Clone(b), "more"...), n: max(1, n)}
		if _, err := d.DecodeLong(src, len(b), keepUpTo(n)); err == nil && string(src.b) != "more" {
			t.Errorf("%d bytes are left behind the message, want 4", len(src.b))
		}
	})
}
