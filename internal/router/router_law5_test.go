package router

import (
	"strings"
	"testing"
	"unsafe"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/record"
	"github.com/walpost/walpost/internal/router/debezium"
)

// Law 5: the bytes of the payload are never parsed. What Postgres prints is what
// Kafka gets, be it JSON or not, and it is not even copied.
func TestLaw5_PayloadIsNeverParsed(t *testing.T) {
	for _, payload := range []string{
		``, ` `, `null`, `{"a":`, `{"a": 1}}`, `not json`, "\xff\xfe\x00", "\ufeff{}", `{"dup":1,"dup":2}`,
		`12345678901234567890123456789.000100`, `"\ud83d"`, `\x00`, "{\"ls\": \"\u2028\"}", "\r\n\t", strings.Repeat("x", 1<<16),
	} {
		for _, oid := range []uint32{debezium.OIDJSON, debezium.OIDJSONB, debezium.OIDText, debezium.OIDVarchar, 142, 16999} {
			rel := outbox()
			rel.Columns[4].TypeOID = oid
			data := []byte(payload)
			ins := with(insert(rel), 4, pgoutput.Value{Kind: pgoutput.Text, Data: data})
			rec, err := newRouter(t, defaultMapping()).Route(ins, commitTime(), record.Position{})
			if err != nil {
				t.Fatalf("%.20q as %s: %v", payload, debezium.TypeName(oid), err)
			}
			if string(rec.Value) != payload || string(data) != payload {
				t.Errorf("%.20q as %s became %.20q", payload, debezium.TypeName(oid), rec.Value)
			}
			if unsafe.SliceData(rec.Value) != unsafe.SliceData(data) {
				t.Errorf("%.20q as %s was copied", payload, debezium.TypeName(oid))
			}
		}
	}
}

// A bytea payload is its bytes, whatever they are.
func TestLaw5_BytesOfAByteaPayload(t *testing.T) {
	rel := outbox()
	rel.Columns[4].TypeOID = debezium.OIDBytea
	for text, want := range map[string]string{`\x000001f4ff7b7d`: "\x00\x00\x01\xf4\xff{}", `\x`: "", `\x5C78`: `\x`} {
		ins := with(insert(rel), 4, pgoutput.Value{Kind: pgoutput.Text, Data: []byte(text)})
		rec, err := newRouter(t, defaultMapping()).Route(ins, commitTime(), record.Position{})
		if err != nil || string(rec.Value) != want || rec.Value == nil {
			t.Errorf("%s became %q, %v", text, rec.Value, err)
		}
	}
}
