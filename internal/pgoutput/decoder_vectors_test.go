package pgoutput_test

import (
	"encoding/hex"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/walpost/walpost/internal/pgoutput"
)

// The bytes below were written by hand from "Logical Replication Message Formats"
// of the Postgres documentation, without the encoder, so that an error common to
// encoder and decoder shows.
const (
	beginHex = "42" + "0000000016b374d8" + "0002eaf3a0913740" + "000002d6"
	// 2026-01-01 00:00:00.123456 is 820,540,800,123,456 µs (0x0002ea470aea4240) after 2000-01-01.
	commitHex   = "43" + "00" + "000000000152c458" + "000000000152c488" + "0002ea470aea4240"
	originHex   = "4f" + "00000001000000ff" + "6e6f64653100"
	relationHex = "52" + "00004001" + "7075626c696300" + "6f7574626f7800" + "64" + "0002" +
		"01" + "696400" + "00000b86" + "ffffffff" +
		"00" + "6e616d6500" + "00000413" + "00000018"
	typeHex   = "59" + "00004005" + "7075626c696300" + "6d6f6f6400"
	insertHex = "49" + "00004001" + "4e" + "0002" +
		"74" + "00000003" + "616263" +
		"6e"
	updateHex = "55" + "00004001" + "4b" + "0002" + "74" + "00000001" + "61" + "6e" +
		"4e" + "0002" + "74" + "00000001" + "62" + "75"
	deleteHex   = "44" + "00004001" + "4f" + "0002" + "74" + "00000000" + "62" + "00000002" + "0001"
	truncateHex = "54" + "00000002" + "03" + "00004001" + "00004005"
	messageHex  = "4d" + "01" + "000000000152c458" + "6100" + "00000002" + "6869"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func vectorRelation() *pgoutput.Relation {
	return &pgoutput.Relation{
		ID: 16385, Namespace: "public", Name: "outbox", ReplicaIdentity: 'd',
		Columns: []pgoutput.Column{
			{Name: "id", TypeOID: 2950, TypeMod: -1, Key: true},
			{Name: "name", TypeOID: 1043, TypeMod: 24},
		},
	}
}

func TestHandWrittenMessages(t *testing.T) {
	r := vectorRelation()
	for _, v := range []struct {
		hex  string
		want pgoutput.Message
	}{
		{relationHex, r},
		{beginHex, &pgoutput.Begin{
			CommitLSN:  0x16b374d8,
			CommitTime: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(0x0002eaf3a0913740 * time.Microsecond),
			XID:        726,
		}},
		{commitHex, &pgoutput.Commit{
			CommitLSN: 0x152c458, EndLSN: 0x152c488,
			CommitTime: time.Date(2026, 1, 1, 0, 0, 0, 123_456_000, time.UTC),
		}},
		{originHex, &pgoutput.Origin{CommitLSN: 0x1_0000_00ff, Name: "node1"}},
		{typeHex, &pgoutput.Type{OID: 16389, Namespace: "public", Name: "mood"}},
		{insertHex, &pgoutput.Insert{Relation: r, Row: pgoutput.Tuple{
			{Kind: pgoutput.Text, Data: []byte("abc")}, {Kind: pgoutput.Null},
		}}},
		{updateHex, &pgoutput.Update{Relation: r}},
		{deleteHex, &pgoutput.Delete{Relation: r}},
		{truncateHex, &pgoutput.Truncate{RelationIDs: []uint32{16385, 16389}}},
		{messageHex, &pgoutput.LogicalMessage{Transactional: true, LSN: 0x152c458, Prefix: "a", Content: []byte("hi")}},
	} {
		d := pgoutput.NewDecoder()
		if _, err := d.Decode(unhex(t, relationHex)); err != nil {
			t.Fatal(err)
		}
		got, err := d.Decode(unhex(t, v.hex))
		if err != nil || !reflect.DeepEqual(got, v.want) {
			t.Errorf("%s:\n got %+v, %v\nwant %+v", v.hex, got, err, v.want)
		}
	}
}

// Every message cut short at any byte, or with a byte too many, is refused.
func TestTruncationsAndTrailingBytes(t *testing.T) {
	for _, h := range []string{
		beginHex, commitHex, originHex, relationHex, typeHex, insertHex, updateHex, deleteHex, truncateHex, messageHex,
	} {
		d := pgoutput.NewDecoder()
		if _, err := d.Decode(unhex(t, relationHex)); err != nil {
			t.Fatal(err)
		}
		whole := unhex(t, h)
		for n := range whole {
			if m, err := d.Decode(whole[:n]); err == nil {
				t.Errorf("%c cut to %d of %d bytes: got %+v", whole[0], n, len(whole), m)
			}
		}
		if m, err := d.Decode(append(whole, 0)); err == nil {
			t.Errorf("%c with a trailing byte: got %+v", whole[0], m)
		}
	}
}

func TestRefused(t *testing.T) {
	for _, v := range []struct{ name, hex, want string }{
		{"empty", "", "empty message: want a message type"},
		{"stream start", "53" + "00000001" + "01", `unknown 'S' (0x53) message of 6 bytes, at byte 0`},
		{"stream stop", "45", `unknown 'E' (0x45)`},
		{"stream commit", "63", `unknown 'c' (0x63)`},
		{"stream abort", "41", `unknown 'A' (0x41)`},
		{"zero byte", "00", `unknown '\x00' (0x00)`},
		{
			"begin at 0/0", "42" + "0000000000000000" + "0002eaf3a0913740" + "000002d6",
			"Begin message of 21 bytes, at byte 1: want a commit LSN",
		},
		{"commit flags", "43" + "01" + commitHex[4:], "Commit message of 26 bytes, at byte 1: want flags 0"},
		{
			"commit ends where it begins", "43" + "00" + "000000000152c458" + "000000000152c458" + "0000000000000000",
			"at byte 10: want an end LSN after",
		},
		{
			"insert of an unknown table", "49" + "00004002" + "4e" + "0000",
			"Insert message of 8 bytes, at byte 1: want the OID of a table announced",
		},
		{"insert with an old tuple", "49" + "00004001" + "4f" + "0002" + "6e6e", "at byte 5: want 'N'"},
		{"insert with a column less", "49" + "00004001" + "4e" + "0001" + "6e", "at byte 6: want as many columns"},
		{"insert with a column more", "49" + "00004001" + "4e" + "0003" + "6e6e6e", "at byte 6: want as many columns"},
		{"insert of an unchanged value", "49" + "00004001" + "4e" + "0002" + "6e75", "at byte 9: want 'n', 't' or 'b'"},
		{"insert of an unknown kind", "49" + "00004001" + "4e" + "0002" + "6e78", "at byte 9: want 'n', 't' or 'b'"},
		{"insert with a negative length", "49" + "00004001" + "4e" + "0002" + "6e" + "74" + "ffffffff", "at byte 10: want a length"},
		{"insert with an absurd length", "49" + "00004001" + "4e" + "0002" + "74" + "7fffffff" + "61", "at byte 9: want a length"},
		{"update without a new tuple", "55" + "00004001" + "4b" + "0002" + "6e6e" + "4b" + "0002" + "6e6e", "at byte 10: want 'N'"},
		{"update with an unknown tuple", "55" + "00004001" + "58" + "0002" + "6e6e", "at byte 5: want 'N'"},
		{"delete with a new tuple", "44" + "00004001" + "4e" + "0002" + "6e6e", "at byte 5: want 'K' or 'O'"},
		{
			"relation with too many columns", "52" + "00004001" + "0000" + "64" + "ffff",
			"Relation message of 10 bytes, at byte 8: want a column count",
		},
		{
			"truncate with an absurd count", "54" + "ffffffff" + "00" + "00004001",
			"Truncate message of 10 bytes, at byte 1: want a table count",
		},
		{
			"message with unknown flags", "4d" + "02" + "000000000152c458" + "6100" + "00000000",
			"logical decoding message of 16 bytes, at byte 1: want flags",
		},
		{"message with a negative length", "4d" + "01" + "000000000152c458" + "6100" + "ffffffff", "at byte 16: want as many bytes"},
	} {
		d := pgoutput.NewDecoder()
		if _, err := d.Decode(unhex(t, relationHex)); err != nil {
			t.Fatal(err)
		}
		m, err := d.Decode(unhex(t, v.hex))
		if m != nil || err == nil || !strings.Contains(err.Error(), v.want) {
			t.Errorf("%s: got %+v, %v; want an error with %q", v.name, m, err, v.want)
		}
	}
}
