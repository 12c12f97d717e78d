package pgoutput_test

import (
	"bytes"
	"errors"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/pgoutput/pgoutputtest"
)

func decode(t testing.TB, d *pgoutput.Decoder, b []byte) pgoutput.Message {
	t.Helper()
	m, err := d.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// The router notices a changed table by the pointer, and rows of another table
// in between must not hide the change.
func TestRelationIsNewWhenSentAgain(t *testing.T) {
	d := pgoutput.NewDecoder()
	outbox, other := pgoutputtest.Outbox(), pgoutputtest.Outbox()
	other.ID++
	first := decode(t, d, pgoutputtest.AppendRelation(nil, outbox))
	decode(t, d, pgoutputtest.AppendRelation(nil, other))
	row := pgoutputtest.OutboxRow()

	in := decode(t, d, pgoutputtest.AppendInsert(nil, outbox.ID, row)).(*pgoutput.Insert)
	if in.Relation != first {
		t.Error("an insert does not point to its relation")
	}
	second := decode(t, d, pgoutputtest.AppendRelation(nil, outbox))
	if first == second || !reflect.DeepEqual(first, outbox) {
		t.Error("a relation sent again changed the one before")
	}
	in = decode(t, d, pgoutputtest.AppendInsert(nil, outbox.ID, row)).(*pgoutput.Insert)
	if in.Relation != second {
		t.Error("an insert does not point to the relation sent last")
	}
	in = decode(t, d, pgoutputtest.AppendInsert(nil, other.ID, row)).(*pgoutput.Insert)
	if in.Relation.ID != other.ID {
		t.Error("an insert points to another table")
	}
}

// A relation lives on when its message's bytes are overwritten by the next.
func TestRelationDoesNotAliasItsMessage(t *testing.T) {
	b := pgoutputtest.AppendRelation(nil, pgoutputtest.Outbox())
	got := decode(t, pgoutput.NewDecoder(), b)
	clear(b)
	if want := pgoutputtest.Outbox(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestRefusedRelationLeavesTheFormer(t *testing.T) {
	d := pgoutput.NewDecoder()
	b := pgoutputtest.AppendRelation(nil, pgoutputtest.Outbox())
	first := decode(t, d, b)
	if _, err := d.Decode(b[:len(b)-1]); err == nil {
		t.Fatal("a relation cut short was accepted")
	}
	in := decode(t, d, pgoutputtest.AppendInsert(nil, pgoutputtest.Outbox().ID, pgoutputtest.OutboxRow())).(*pgoutput.Insert)
	if in.Relation != first {
		t.Error("a refused relation replaced the one before")
	}
}

// An empty text is not NULL, and a value does not reach into the next.
func TestValues(t *testing.T) {
	d := pgoutput.NewDecoder()
	rel := pgoutputtest.Outbox()
	decode(t, d, pgoutputtest.AppendRelation(nil, rel))
	row := pgoutput.Tuple{
		pgoutputtest.Text(""), pgoutputtest.Null(), pgoutputtest.Text("a"), pgoutputtest.Text("b"), pgoutputtest.Text(""),
	}
	in := decode(t, d, pgoutputtest.AppendInsert(nil, rel.ID, row)).(*pgoutput.Insert)
	if in.Row[0].Data == nil || in.Row[4].Data == nil {
		t.Error("an empty text has no bytes at all, as NULL has")
	}
	if in.Row[1].Data != nil {
		t.Error("NULL has bytes")
	}
	if v := in.Row[2].Data; cap(v) != len(v) {
		t.Error("a value can be appended to over the next one")
	}
}

// Law 6: what is in a row does not reach an error.
func TestErrorHoldsNothingOfARow(t *testing.T) {
	const secret = "SECRET"
	d := pgoutput.NewDecoder()
	rel := pgoutputtest.Outbox()
	decode(t, d, pgoutputtest.AppendRelation(nil, rel))
	whole := pgoutputtest.AppendInsert(nil, rel.ID, pgoutputtest.Row(secret, secret, secret, secret, secret))
	for at := 1; at < len(whole); at++ {
		for _, b := range [][]byte{whole[:at], append(bytes.Clone(whole[:at]), append([]byte(secret), whole[at:]...)...)} {
			_, err := d.Decode(b)
			if err == nil {
				continue
			}
			var de *pgoutput.DecodeError
			if !errors.As(err, &de) || de.Type != 'I' || de.Offset > len(b) {
				t.Errorf("got %#v, want a DecodeError of an insert", err)
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("error with row content: %v", err)
			}
		}
	}
}

// A count of 1600 columns in a message of ten bytes must not make room for them.
func TestAbsurdCountsAllocateNothing(t *testing.T) {
	d := pgoutput.NewDecoder()
	for _, b := range [][]byte{
		append([]byte{'R', 0, 0, 0, 1, 0, 0, 'd'}, 0x06, 0x40),
		append([]byte{'T', 0x7f, 0xff, 0xff, 0xff, 0}, 0, 0, 0, 1),
	} {
		const runs = 1000
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range runs {
			if _, err := d.Decode(b); err == nil {
				t.Fatal("accepted")
			}
		}
		runtime.ReadMemStats(&after)
		n := (after.TotalAlloc - before.TotalAlloc) / runs
		if n > 512 {
			t.Errorf("%c: %d bytes allocated for a refused message", b[0], n)
		}
	}
}

func TestNoAllocations(t *testing.T) {
	d := pgoutput.NewDecoder()
	for _, b := range sampleMessages() {
		decode(t, d, b)
		if b[0] == 'R' || b[0] == 'Y' || b[0] == 'O' {
			continue // hold names, which are copied
		}
		if n := testing.AllocsPerRun(1000, func() {
			if _, err := d.Decode(b); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%c: %v allocations", b[0], n)
		}
	}
}

// sampleMessages returns one of each message, the relation first.
func sampleMessages() [][]byte {
	rel, row := pgoutputtest.Outbox(), pgoutputtest.OutboxRow()
	key := pgoutput.Tuple{row[0], pgoutputtest.Null(), pgoutputtest.Null(), pgoutputtest.Null(), pgoutputtest.Null()}
	after := append(row[:4:4], pgoutput.Value{Kind: pgoutput.Unchanged})
	return [][]byte{
		pgoutputtest.AppendRelation(nil, rel),
		pgoutputtest.AppendBegin(nil, &pgoutput.Begin{CommitLSN: 0x152C458, XID: 726}),
		pgoutputtest.AppendInsert(nil, rel.ID, row),
		pgoutputtest.AppendUpdate(nil, rel.ID, 'K', key, after),
		pgoutputtest.AppendDelete(nil, rel.ID, 'O', row),
		pgoutputtest.AppendCommit(nil, &pgoutput.Commit{CommitLSN: 0x152C458, EndLSN: 0x152C488}),
		pgoutputtest.AppendTruncate(nil, 1, rel.ID, 77),
		pgoutputtest.AppendType(nil, &pgoutput.Type{OID: 16390, Namespace: "public", Name: "mood"}),
		pgoutputtest.AppendOrigin(nil, &pgoutput.Origin{CommitLSN: 0x152C458, Name: "node1"}),
		pgoutputtest.AppendLogicalMessage(nil, &pgoutput.LogicalMessage{LSN: 1, Prefix: "p", Content: []byte("c")}),
	}
}

// The messages of a slot with two_phase are named as such.
func TestTwoPhaseMessages(t *testing.T) {
	for kind, name := range map[byte]string{
		'b': "Begin Prepare", 'P': "Prepare", 'K': "Commit Prepared", 'r': "Rollback Prepared", 'p': "",
	} {
		_, err := pgoutput.NewDecoder().Decode([]byte{kind, 0, 0})
		var de *pgoutput.DecodeError
		if !errors.As(err, &de) || de.TwoPhase() != (name != "") {
			t.Errorf("%c: %v", kind, err)
		} else if name != "" && (!strings.HasPrefix(err.Error(), "pgoutput: "+name+" message") ||
			!strings.Contains(err.Error(), "two_phase")) {
			t.Errorf("%c: %v", kind, err)
		}
	}
}
