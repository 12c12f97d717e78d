package router

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/record"
	"github.com/walpost/walpost/internal/router/debezium"
)

// filtered is a mapping whose events have one of two kinds, and a target, and its table.
func filtered() (Mapping, *pgoutput.Relation) {
	m := defaultMapping()
	m.Filter = []FilterColumn{{Column: "kind", Texts: []string{"external", "both"}}, {Column: "target", Texts: []string{"kafka"}}}
	return m, outbox(pgoutput.Column{Name: "kind", TypeOID: debezium.OIDText, TypeMod: -1},
		pgoutput.Column{Name: "target", TypeOID: debezium.OIDVarchar, TypeMod: 24})
}

func TestFilterLeavesRowsOut(t *testing.T) {
	m, rel := filtered()
	r := newRouter(t, m)
	for _, c := range []struct {
		name         string
		kind, target pgoutput.Value
		event        bool
	}{
		{"both columns fit", text("external"), text("kafka"), true},
		{"another of the texts", text("both"), text("kafka"), true},
		{"none of the texts", text("internal"), text("kafka"), false},
		{"the other column does not fit", text("external"), text("mail"), false},
		{"NULL", text("external"), null(), false},
		{"an empty text", text(""), text("kafka"), false},
		{"another case", text("External"), text("kafka"), false},
		{"a blank more", text("external "), text("kafka"), false},
		{"a part", text("ext"), text("kafka"), false},
		{"too long to be kept", pgoutput.Value{Kind: pgoutput.Discarded, Size: 1 << 20, Data: []byte("external")}, text("kafka"), false},
	} {
		rec, err := r.Route(insert(rel, c.kind, c.target), commitTime(), record.Position{})
		if c.event != (err == nil && rec != nil) || !c.event && !errors.Is(err, ErrLeftOut) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// A row that is no event needs no topic, and halts nothing.
func TestFilterComesBeforeRejections(t *testing.T) {
	m, rel := filtered()
	row := insert(rel, text("internal"), text("kafka"))
	row.Row[1] = null() // aggregatetype
	if rec, err := newRouter(t, m).Route(row, commitTime(), record.Position{}); !errors.Is(err, ErrLeftOut) || rec != nil {
		t.Errorf("%v, %v", rec, err)
	}
	row = insert(rel, pgoutput.Value{Kind: 'u'}, text("kafka"))
	_, err := newRouter(t, m).Route(row, commitTime(), record.Position{})
	if _, wrong := errors.AsType[*ValueError](err); !wrong {
		t.Errorf("a value that is not there: %v", err)
	}
}

// A row is never left out because its table lacks the column, and types whose text is not
// what the column has are refused.
func TestFilterWantsColumnsOfText(t *testing.T) {
	m, _ := filtered()
	m.IgnoreMissing = true
	findings := newRouter(t, m).Check(outbox(pgoutput.Column{Name: "kind", TypeOID: debezium.OIDInt4, TypeMod: -1}), nil)
	var got []string
	for _, f := range findings {
		if f.Failed {
			got = append(got, f.Key+" "+f.Column+" "+f.Text)
		}
	}
	const want = "outbox.filter kind has type integer, want text or varchar; outbox.filter target is not there"
	if strings.Join(got, "; ") != want {
		t.Errorf("%q", got)
	}
}

// A type may print what it has in more than one way, or pad it: of such no column tells events.
func TestFilterRefusesEveryOtherType(t *testing.T) {
	const enum = 16384 // the first that a server gives
	m, _ := filtered()
	m.Filter = m.Filter[:1]
	r := newRouter(t, m)
	for oid := uint32(1); oid <= enum; oid++ {
		refused := slices.ContainsFunc(r.Check(outbox(pgoutput.Column{Name: "kind", TypeOID: oid, TypeMod: -1}), nil),
			func(f Finding) bool { return f.Failed && f.Column == "kind" })
		if want := oid != debezium.OIDText && oid != debezium.OIDVarchar; refused != want {
			t.Errorf("type %d (%s): refused %v", oid, debezium.TypeName(oid), refused)
		}
	}
}

// Of a long row the columns of the filter are kept as far as they can have one of its texts.
func TestFilterOfALongRow(t *testing.T) {
	m, rel := filtered()
	m.MaxBytes = 100
	limits := newRouter(t, m).Columns(rel)
	if n := len(limits); limits[n-2] != len("external")+1 || limits[n-1] != len("kafka")+1 {
		t.Errorf("%v", limits)
	}
}
