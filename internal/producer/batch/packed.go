package batch

import (
	"encoding/binary"
	"iter"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/record"
)

// Meta is what the producer knows of a record beside what Kafka sees.
type Meta struct {
	Event        uint64 // its number in the stream
	Position     record.Position
	CommittedAt  int64  // when its transaction committed, unix nanoseconds; 0: not known
	Partition    int32  // the partition asked for; -1: by key
	Size         int32  // on the wire, at most
	Cause        int32  // a dead letter: the number of the queue whose head it stands for; NoCause: of none
	IsDeadLetter bool   // a dead letter: there is none for it
	Group        uint64 // of the transaction; it is not packed, the batch has it
}

// NoCause stands in Meta.Cause of a record that no queue waits for.
const NoCause = -1

// Packed is a record in a queue: one run of bytes without a pointer, so that the
// garbage collector has nothing to scan however many wait.
//
// To add a field: give it an offset before packedHead and move the offsets behind it,
// write it in pack, read it in a method, and copy it in Meta or in Record, whichever has it.
// The tests of packed records check that none is forgotten.
//
//	length u32 · event u64 · commit LSN u64 · ordinal u32 · committed at i64 · timestamp i64 ·
//	partition i32 · size i32 · cause i32 · is dead letter u8 · headers u32 · key i32 · value i32 ·
//	key · value · for each header: name i32 · value i32 · name · value
//
// Lengths of bytes are -1 for nil.
type Packed []byte

const (
	atLength       = 0
	atEvent        = 4
	atLSN          = 12
	atOrdinal      = 20
	atCommittedAt  = 24
	atTimestamp    = 32
	atPartition    = 40
	atSize         = 44
	atCause        = 48
	atIsDeadLetter = 52
	atHeaders      = 53
	atKey          = 57
	atValue        = 61
	packedHead     = 65
	headerHead     = 8
)

// packedSize returns the bytes that a record takes in a queue.
func packedSize(rec *record.Record) int {
	n := packedHead + len(rec.Key) + len(rec.Value)
	for i := range rec.Headers {
		n += headerHead + len(rec.Headers[i].Name) + len(rec.Headers[i].Value)
	}
	return n
}

// WireSize returns the bytes of a record on the wire, at most.
func WireSize(rec *record.Record) int {
	n := len(rec.Key) + len(rec.Value) + 21
	for _, h := range rec.Headers {
		n += len(h.Name) + len(h.Value) + 4
	}
	return n
}

// pack appends a record to b, which has room for it: it copies all of it.
func pack(b []byte, rec *record.Record, m *Meta) []byte {
	start := len(b)
	b = b[:start+packedHead]
	h := b[start:]
	binary.LittleEndian.PutUint64(h[atEvent:], m.Event)
	binary.LittleEndian.PutUint64(h[atLSN:], uint64(m.Position.CommitLSN))
	binary.LittleEndian.PutUint32(h[atOrdinal:], m.Position.Ordinal)
	binary.LittleEndian.PutUint64(h[atCommittedAt:], uint64(m.CommittedAt))
	binary.LittleEndian.PutUint64(h[atTimestamp:], uint64(rec.Timestamp))
	binary.LittleEndian.PutUint32(h[atPartition:], uint32(m.Partition))
	binary.LittleEndian.PutUint32(h[atSize:], uint32(m.Size))
	binary.LittleEndian.PutUint32(h[atCause:], uint32(m.Cause))
	h[atIsDeadLetter] = 0
	if m.IsDeadLetter {
		h[atIsDeadLetter] = 1
	}
	binary.LittleEndian.PutUint32(h[atHeaders:], uint32(len(rec.Headers)))
	putLength(h[atKey:], rec.Key)
	putLength(h[atValue:], rec.Value)
	b = append(append(b, rec.Key...), rec.Value...)
	for i := range rec.Headers {
		x := &rec.Headers[i]
		at := len(b)
		b = b[:at+headerHead]
		binary.LittleEndian.PutUint32(b[at:], uint32(len(x.Name)))
		putLength(b[at+4:], x.Value)
		b = append(append(b, x.Name...), x.Value...)
	}
	binary.LittleEndian.PutUint32(b[start+atLength:], uint32(len(b)-start))
	return b
}

func putLength(b, data []byte) {
	n := uint32(len(data))
	if data == nil {
		n = 1<<32 - 1
	}
	binary.LittleEndian.PutUint32(b, n)
}

// takeField takes n bytes off rest; -1 is nil, and the field it returns has no room behind it.
func takeField(rest []byte, n int32) (field, after []byte) {
	if n < 0 {
		return nil, rest
	}
	return rest[:n:n], rest[n:]
}

func (r Packed) int32At(at int) int32 { return int32(binary.LittleEndian.Uint32(r[at:])) }
func (r Packed) int64At(at int) int64 { return int64(binary.LittleEndian.Uint64(r[at:])) }

func (r Packed) length() int  { return int(r.int32At(atLength)) }
func (r Packed) headers() int { return int(r.int32At(atHeaders)) }

// Event returns the record's number in the stream.
func (r Packed) Event() uint64 { return uint64(r.int64At(atEvent)) }

// CommittedAt returns when its transaction committed, in unix nanoseconds; 0: not known.
func (r Packed) CommittedAt() int64 { return r.int64At(atCommittedAt) }

// Timestamp returns its time in milliseconds since 1970.
func (r Packed) Timestamp() int64 { return r.int64At(atTimestamp) }

// Size returns its bytes on the wire, at most.
func (r Packed) Size() int { return int(r.int32At(atSize)) }

// IsDeadLetter reports whether the record is a dead letter.
func (r Packed) IsDeadLetter() bool { return r[atIsDeadLetter] != 0 }

// Cause returns the number of the queue whose head this dead letter stands for; NoCause: none.
func (r Packed) Cause() int32 { return r.int32At(atCause) }

// Position returns where the record stood in the stream.
func (r Packed) Position() record.Position {
	return record.Position{CommitLSN: pgoutput.LSN(r.int64At(atLSN)), Ordinal: uint32(r.int32At(atOrdinal))}
}

// content returns key, value, and the rest: the headers. All alias the queue.
func (r Packed) content() (key, value, rest []byte) {
	key, rest = takeField(r[packedHead:r.length()], r.int32At(atKey))
	value, rest = takeField(rest, r.int32At(atValue))
	return key, value, rest
}

// takeHeader takes a header off rest.
func takeHeader(rest []byte) (name, value, after []byte) {
	n, v := Packed(rest).int32At(0), Packed(rest).int32At(4)
	name, after = takeField(rest[headerHead:], n)
	value, after = takeField(after, v)
	return name, value, after
}

// Record returns the record as it was added; its slices alias the queue.
func (r Packed) Record(topic string) *record.Record {
	key, value, rest := r.content()
	rec := &record.Record{
		Topic: topic, Key: key, Value: value, Timestamp: r.Timestamp(), Partition: r.int32At(atPartition),
		Headers: make([]record.Header, r.headers()),
	}
	for i := range rec.Headers {
		var name []byte
		name, rec.Headers[i].Value, rest = takeHeader(rest)
		rec.Headers[i].Name = string(name)
	}
	return rec
}

// Meta returns the Meta that the record was added with.
func (r Packed) Meta() Meta {
	return Meta{
		Event: r.Event(), Position: r.Position(), CommittedAt: r.CommittedAt(), Partition: r.int32At(atPartition),
		Size: r.int32At(atSize), Cause: r.Cause(), IsDeadLetter: r.IsDeadLetter(),
	}
}

// walk returns the records that are packed one after the other in data.
func walk(data []byte) iter.Seq[Packed] {
	return func(yield func(Packed) bool) {
		for len(data) > 0 {
			r := Packed(data)
			n := r.length()
			if !yield(r[:n:n]) {
				return
			}
			data = data[n:]
		}
	}
}
