package router

import (
	"errors"
	"testing"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/record"
	"github.com/walpost/walpost/internal/router/debezium"
	"github.com/walpost/walpost/internal/topicname"
)

// FuzzRoute: no bytes of a row and no type of a column make the router panic;
// what it lets through has a topic Kafka takes and a place it has.
func FuzzRoute(f *testing.F) {
	for _, seed := range []struct {
		oid  uint32
		text string
	}{
		{debezium.OIDText, "Order"},
		{debezium.OIDBytea, `\x0001ff`},
		{debezium.OIDTimestamptz, "2026-01-01 00:00:00.123456+05:30 BC"},
		{debezium.OIDInterval, "-1 years -2 mons +3 days -04:05:06.7"},
		{debezium.OIDNumeric, "-99999999999999999999.500"},
		{debezium.OIDFloat8, "1e-323"},
		{debezium.OIDPoint, "(1,2)"},
		{debezium.OIDMoney, "-$1,234.50"},
		{debezium.OIDVarbit, "101"},
		{1009, `[0:1]={{a,"b\"c"},{NULL,x}}`},
		{1115, `{"infinity"}`},
	} {
		f.Add(seed.oid, int32(-1), []byte(seed.text), []byte("Order"), byte(0))
		f.Add(seed.oid, int32(3), []byte(seed.text), []byte("__x"), byte(1))
	}
	f.Fuzz(func(t *testing.T, oid uint32, typeMod int32, data, topic []byte, use byte) {
		m := defaultMapping()
		m.PositionHeader = "walpost-position"
		m.Headers = append(m.Headers, HeaderColumn{Name: "x", Column: "x"})
		switch use % 5 {
		case 1:
			m.Key = "x"
		case 2:
			m.Value = "x"
		case 3:
			m.Timestamp = "x"
		case 4:
			m.Partition = "x"
		}
		r := newRouter(t, m)
		ins := insert(outbox(pgoutput.Column{Name: "x", TypeOID: oid, TypeMod: typeMod}), pgoutput.Value{Kind: pgoutput.Text, Data: data})
		ins.Row[1].Data = topic
		rec, err := r.Route(ins, commitTime(), record.Position{})
		var rejection *record.Rejection
		switch {
		case errors.As(err, &rejection):
			if rec == nil || rejection.Text == "" || rejection.Reason == "" {
				t.Fatalf("%+v, %+v", rec, rejection)
			}
		case err != nil:
			if rec != nil {
				t.Fatalf("a record came with %v", err)
			}
		case !topicname.Valid(rec.Topic) || rec.Timestamp < 0 || rec.Partition < -1 || rec.Size() > m.MaxBytes:
			t.Fatalf("%+v", rec)
		}
		r.Check(ins.Relation, nil)
	})
}
