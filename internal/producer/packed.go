package producer

import (
	"encoding/binary"
	"iter"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/record"
)

// meta is what the producer knows of a record beside what Kafka sees.
type meta struct {
	event        uint64 // its number in the stream
	position     record.Position
	committedAt  int64      // when its transaction committed, unix nanoseconds; 0: not known
	partition    int32      // the partition asked for; -1: by key
	size         int32      // on the wire, at most
	cause        *partition // a dead letter: the partition whose head it stands for
	isDeadLetter bool       // a dead letter: there is none for it
}

// packed is a record in a queue: one run of bytes without a pointer, so that the
// garbage collector has nothing to scan however many wait.
//
// To add a field: give it an offset before packedHead and move the offsets behind it,
// write it in pack, read it in a method, and copy it in Producer.meta if it belongs to
// meta, in record if it belongs to the record. The tests of packed records check
// that none is forgotten.
//
//	length u32 · event u64 · commit LSN u64 · ordinal u32 · committed at i64 · timestamp i64 ·
//	partition i32 · size i32 · cause i32 · is dead letter u8 · headers u32 · key i32 · value i32 ·
//	key · value · for each header: name i32 · value i32 · name · value
//
// Lengths of bytes are -1 for nil.
type packed []byte

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

// pack appends a record to b, which has room for it: it copies all of it.
func pack(b []byte, rec *record.Record, m *meta) []byte {
	start := len(b)
	b = b[:start+packedHead]
	h := b[start:]
	binary.LittleEndian.PutUint64(h[atEvent:], m.event)
	binary.LittleEndian.PutUint64(h[atLSN:], uint64(m.position.CommitLSN))
	binary.LittleEndian.PutUint32(h[atOrdinal:], m.position.Ordinal)
	binary.LittleEndian.PutUint64(h[atCommittedAt:], uint64(m.committedAt))
	binary.LittleEndian.PutUint64(h[atTimestamp:], uint64(rec.Timestamp))
	binary.LittleEndian.PutUint32(h[atPartition:], uint32(m.partition))
	binary.LittleEndian.PutUint32(h[atSize:], uint32(m.size))
	binary.LittleEndian.PutUint32(h[atCause:], uint32(m.cause.number()))
	h[atIsDeadLetter] = 0
	if m.isDeadLetter {
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

func (r packed) int32At(at int) int32 { return int32(binary.LittleEndian.Uint32(r[at:])) }
func (r packed) int64At(at int) int64 { return int64(binary.LittleEndian.Uint64(r[at:])) }

func (r packed) length() int        { return int(r.int32At(atLength)) }
func (r packed) event() uint64      { return uint64(r.int64At(atEvent)) }
func (r packed) committedAt() int64 { return r.int64At(atCommittedAt) }
func (r packed) timestamp() int64   { return r.int64At(atTimestamp) } // milliseconds since 1970
func (r packed) size() int          { return int(r.int32At(atSize)) }
func (r packed) isDeadLetter() bool { return r[atIsDeadLetter] != 0 }
func (r packed) headers() int       { return int(r.int32At(atHeaders)) }

// cause returns the number of the queue whose head this dead letter stands for; -1: none.
func (r packed) cause() int { return int(r.int32At(atCause)) }

func (r packed) position() record.Position {
	return record.Position{CommitLSN: pgoutput.LSN(r.int64At(atLSN)), Ordinal: uint32(r.int32At(atOrdinal))}
}

// content returns key, value, and the rest: the headers. All alias the queue.
func (r packed) content() (key, value, rest []byte) {
	key, rest = takeField(r[packedHead:r.length()], r.int32At(atKey))
	value, rest = takeField(rest, r.int32At(atValue))
	return key, value, rest
}

// takeHeader takes a header off rest.
func takeHeader(rest []byte) (name, value, after []byte) {
	n, v := packed(rest).int32At(0), packed(rest).int32At(4)
	name, after = takeField(rest[headerHead:], n)
	value, after = takeField(after, v)
	return name, value, after
}

// record returns the record as it was added; its slices alias the queue.
func (r packed) record(topic string) *record.Record {
	key, value, rest := r.content()
	rec := &record.Record{
		Topic: topic, Key: key, Value: value, Timestamp: r.timestamp(), Partition: r.int32At(atPartition),
		Headers: make([]record.Header, r.headers()),
	}
	for i := range rec.Headers {
		var name []byte
		name, rec.Headers[i].Value, rest = takeHeader(rest)
		rec.Headers[i].Name = string(name)
	}
	return rec
}

// meta returns the meta that pack was given.
func (p *Producer) meta(r packed) meta {
	m := meta{
		event: r.event(), position: r.position(), committedAt: r.committedAt(), partition: r.int32At(atPartition), size: r.int32At(atSize),
		isDeadLetter: r.isDeadLetter(),
	}
	if cause := r.cause(); cause >= 0 {
		m.cause = p.queues[cause]
	}
	return m
}

// walk returns the records that are packed one after the other in data.
func walk(data []byte) iter.Seq[packed] {
	return func(yield func(packed) bool) {
		for len(data) > 0 {
			r := packed(data)
			n := r.length()
			if !yield(r[:n:n]) {
				return
			}
			data = data[n:]
		}
	}
}
