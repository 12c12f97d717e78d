package pgoutputtest

import (
	"encoding/binary"
	"time"

	"github.com/walpost/walpost/internal/pgoutput"
)

// AppendBegin appends a Begin message.
func AppendBegin(dst []byte, m *pgoutput.Begin) []byte {
	dst = append(dst, 'B')
	dst = binary.BigEndian.AppendUint64(dst, uint64(m.CommitLSN))
	dst = AppendTime(dst, m.CommitTime)
	return binary.BigEndian.AppendUint32(dst, m.XID)
}

// AppendCommit appends a Commit message.
func AppendCommit(dst []byte, m *pgoutput.Commit) []byte {
	dst = append(dst, 'C', 0)
	dst = binary.BigEndian.AppendUint64(dst, uint64(m.CommitLSN))
	dst = binary.BigEndian.AppendUint64(dst, uint64(m.EndLSN))
	return AppendTime(dst, m.CommitTime)
}

// AppendTime appends a timestamp: microseconds since 2000-01-01 UTC.
func AppendTime(dst []byte, t time.Time) []byte {
	since := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	us := (t.Unix()-since)*1_000_000 + int64(t.Nanosecond()/1000)
	return binary.BigEndian.AppendUint64(dst, uint64(us))
}

// AppendOrigin appends an Origin message.
func AppendOrigin(dst []byte, m *pgoutput.Origin) []byte {
	dst = append(dst, 'O')
	dst = binary.BigEndian.AppendUint64(dst, uint64(m.CommitLSN))
	return appendString(dst, m.Name)
}

// AppendRelation appends a Relation message.
func AppendRelation(dst []byte, m *pgoutput.Relation) []byte {
	dst = append(dst, 'R')
	dst = binary.BigEndian.AppendUint32(dst, m.ID)
	dst = appendString(dst, m.Namespace)
	dst = appendString(dst, m.Name)
	dst = append(dst, m.ReplicaIdentity)
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(m.Columns)))
	for _, c := range m.Columns {
		var flags byte
		if c.Key {
			flags = 1
		}
		dst = append(dst, flags)
		dst = appendString(dst, c.Name)
		dst = binary.BigEndian.AppendUint32(dst, c.TypeOID)
		dst = binary.BigEndian.AppendUint32(dst, uint32(c.TypeMod))
	}
	return dst
}

// AppendType appends a Type message.
func AppendType(dst []byte, m *pgoutput.Type) []byte {
	dst = append(dst, 'Y')
	dst = binary.BigEndian.AppendUint32(dst, m.OID)
	dst = appendString(dst, m.Namespace)
	return appendString(dst, m.Name)
}

// AppendInsert appends an Insert message of the table with this OID.
func AppendInsert(dst []byte, relation uint32, row pgoutput.Tuple) []byte {
	dst = append(dst, 'I')
	dst = binary.BigEndian.AppendUint32(dst, relation)
	dst = append(dst, 'N')
	return AppendTuple(dst, row)
}

// AppendUpdate appends an Update message. oldKind says what before is: 'K' the
// replica identity, 'O' the whole old row, 0 nothing.
func AppendUpdate(dst []byte, relation uint32, oldKind byte, before, after pgoutput.Tuple) []byte {
	dst = append(dst, 'U')
	dst = binary.BigEndian.AppendUint32(dst, relation)
	if oldKind != 0 {
		dst = append(dst, oldKind)
		dst = AppendTuple(dst, before)
	}
	dst = append(dst, 'N')
	return AppendTuple(dst, after)
}

// AppendDelete appends a Delete message; oldKind is 'K' or 'O'.
func AppendDelete(dst []byte, relation uint32, oldKind byte, before pgoutput.Tuple) []byte {
	dst = append(dst, 'D')
	dst = binary.BigEndian.AppendUint32(dst, relation)
	dst = append(dst, oldKind)
	return AppendTuple(dst, before)
}

// AppendTruncate appends a Truncate message; options: 1 CASCADE, 2 RESTART IDENTITY.
func AppendTruncate(dst []byte, options byte, relations ...uint32) []byte {
	dst = append(dst, 'T')
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(relations)))
	dst = append(dst, options)
	for _, id := range relations {
		dst = binary.BigEndian.AppendUint32(dst, id)
	}
	return dst
}

// AppendLogicalMessage appends what pg_logical_emit_message sends.
func AppendLogicalMessage(dst []byte, m *pgoutput.LogicalMessage) []byte {
	var flags byte
	if m.Transactional {
		flags = 1
	}
	dst = append(dst, 'M', flags)
	dst = binary.BigEndian.AppendUint64(dst, uint64(m.LSN))
	dst = appendString(dst, m.Prefix)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(m.Content)))
	return append(dst, m.Content...)
}

// AppendTuple appends the values of a row.
func AppendTuple(dst []byte, row pgoutput.Tuple) []byte {
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(row)))
	for _, v := range row {
		dst = append(dst, byte(v.Kind))
		if v.Kind == pgoutput.Text || v.Kind == pgoutput.Binary {
			dst = binary.BigEndian.AppendUint32(dst, uint32(len(v.Data)))
			dst = append(dst, v.Data...)
		}
	}
	return dst
}

// Text returns a value sent as text.
func Text(s string) pgoutput.Value {
	return pgoutput.Value{Kind: pgoutput.Text, Data: []byte(s)}
}

// Null returns a NULL.
func Null() pgoutput.Value { return pgoutput.Value{Kind: pgoutput.Null} }

// Row returns a row of texts.
func Row(values ...string) pgoutput.Tuple {
	row := make(pgoutput.Tuple, 0, len(values))
	for _, s := range values {
		row = append(row, Text(s))
	}
	return row
}

func appendString(dst []byte, s string) []byte {
	return append(append(dst, s...), 0)
}
