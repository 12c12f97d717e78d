package pgoutput_test

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/pgoutput/pgoutputtest"
)

// No input makes the decoder panic or read beyond its end, and what it accepts
// is what the encoder would have written.
func FuzzDecode(f *testing.F) {
	for _, b := range sampleMessages() {
		for n := range len(b) + 1 {
			f.Add(b[:n])
		}
		f.Add(append(bytes.Clone(b), 0))
	}
	for _, h := range []string{relationHex, insertHex, updateHex, deleteHex, truncateHex, messageHex} {
		f.Add(unhex(f, h))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d := pgoutput.NewDecoder()
		decode(t, d, pgoutputtest.AppendRelation(nil, pgoutputtest.Outbox()))
		// Behind the message stand bytes that a read beyond its end would find.
		room := append(bytes.Clone(b), bytes.Repeat([]byte{'!'}, 64)...)
		m, err := d.Decode(room[:len(b)])
		if err != nil {
			var de *pgoutput.DecodeError
			if m != nil || !errors.As(err, &de) || de.Offset < 0 || de.Offset > len(b) {
				t.Fatalf("got %v and %#v", m, err)
			}
			return
		}
		again, exact := encode(m)
		if exact && !bytes.Equal(again, b) {
			t.Fatalf("decoded  %x\nencoded to %x", b, again)
		}
		if r, ok := m.(*pgoutput.Relation); ok { // unused flag bits of a column are dropped
			if second := decode(t, pgoutput.NewDecoder(), again); !reflect.DeepEqual(second, r) {
				t.Fatalf("got %+v, then %+v", r, second)
			}
		}
	})
}

// encode writes m; exact says that m holds all there was in the message.
func encode(m pgoutput.Message) (b []byte, exact bool) {
	switch m := m.(type) {
	case *pgoutput.Begin:
		return pgoutputtest.AppendBegin(nil, m), true
	case *pgoutput.Commit:
		return pgoutputtest.AppendCommit(nil, m), true
	case *pgoutput.Insert:
		return pgoutputtest.AppendInsert(nil, m.Relation.ID, m.Row), true
	case *pgoutput.Type:
		return pgoutputtest.AppendType(nil, m), true
	case *pgoutput.Origin:
		return pgoutputtest.AppendOrigin(nil, m), true
	case *pgoutput.LogicalMessage:
		return pgoutputtest.AppendLogicalMessage(nil, m), true
	case *pgoutput.Relation:
		return pgoutputtest.AppendRelation(nil, m), false
	default: // updates, deletes and truncates keep no content
		return nil, false
	}
}
