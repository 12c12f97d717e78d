package producer

import (
	"encoding/binary"
	"iter"

	"github.com/walpost/walpost/internal/router"
)

// meta is what the producer knows of a record beside what Kafka sees.
type meta struct {
	event     uint64 // its number in the stream
	position  router.Position
	born      int64      // when its transaction committed, unix nanoseconds; 0: not known
	partition int32      // the partition asked for; -1: by key
	size      int32      // on the wire, at most
	cause     *partition // a dead letter: the partition whose head it stands for
	isDead    bool       // a dead letter: there is none for it
}

// packed is a record in a queue: one run of bytes without a pointer, so that the
// garbage collector has nothing to look at however many wait.
//
//	length u32 · event u64 · commit LSN u64 · ordinal u32 · born i64 · timestamp i64 ·
//	partition i32 · size i32 · cause i32 · dead u8 · headers u32 · key i32 · value i32 ·
//	key · value · for each header: name i32 · value i32 · name · value
//
// Lengths of bytes are -1 for nil.
type packed []byte

const (
	atLength    = 0
	atEvent     = 4
	atLSN       = 12
	atOrdinal   = 20
	atBorn      = 24
	atTimestamp = 32
	atPartition = 40
	atSize      = 44
	atCause     = 48
	atDead      = 52
	atHeaders   = 53
	atKey       = 57
	atValue     = 61
	packedHead  = 65
	headerHead  = 8
)

// packedSize is the bytes a record takes in a queue.
func packedSize(rec *router.Record) int {
	n := packedHead + len(rec.Key) + len(rec.Value)
	for i := range rec.Headers {
		n += headerHead + len(rec.Headers[i].Name) + len(rec.Headers[i].Value)
	}
	return n
}

// pack appends a record to b, which has room for it: it copies all of it.
func pack(b []byte, rec *router.Record, m *meta) []byte {
	start := len(b)
	b = b[:start+packedHead]
	h := b[start:]
	binary.LittleEndian.PutUint64(h[atEvent:], m.event)
	binary.LittleEndian.PutUint64(h[atLSN:], m.position.CommitLSN)
	binary.LittleEndian.PutUint32(h[atOrdinal:], m.position.Ordinal)
	binary.LittleEndian.PutUint64(h[atBorn:], uint64(m.born))
	binary.LittleEndian.PutUint64(h[atTimestamp:], uint64(rec.Timestamp))
	binary.LittleEndian.PutUint32(h[atPartition:], uint32(m.partition))
	binary.LittleEndian.PutUint32(h[atSize:], uint32(m.size))
	binary.LittleEndian.PutUint32(h[atCause:], uint32(m.cause.number()))
	h[atDead] = 0
	if m.isDead {
		h[atDead] = 1
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

// cutField takes n bytes off rest; -1 is nil, and nothing more may be appended to what it gives.
func cutField(rest []byte, n int32) (field, after []byte) {
	if n < 0 {
		return nil, rest
	}
	return rest[:n:n], rest[n:]
}

func (r packed) int32At(at int) int32 { return int32(binary.LittleEndian.Uint32(r[at:])) }
func (r packed) int64At(at int) int64 { return int64(binary.LittleEndian.Uint64(r[at:])) }

func (r packed) length() int      { return int(r.int32At(atLength)) }
func (r packed) event() uint64    { return uint64(r.int64At(atEvent)) }
func (r packed) born() int64      { return r.int64At(atBorn) }
func (r packed) timestamp() int64 { return r.int64At(atTimestamp) } // milliseconds since 1970
func (r packed) size() int        { return int(r.int32At(atSize)) }
func (r packed) isDead() bool     { return r[atDead] != 0 }
func (r packed) headers() int     { return int(r.int32At(atHeaders)) }

// cause is the number of the queue whose head this dead letter stands for, -1: none.
func (r packed) cause() int { return int(r.int32At(atCause)) }

func (r packed) position() router.Position {
	return router.Position{CommitLSN: uint64(r.int64At(atLSN)), Ordinal: uint32(r.int32At(atOrdinal))}
}

// content is key, value, and what is left: the headers. All alias the queue.
func (r packed) content() (key, value, rest []byte) {
	key, rest = cutField(r[packedHead:r.length()], r.int32At(atKey))
	value, rest = cutField(rest, r.int32At(atValue))
	return key, value, rest
}

// cutHeader takes a header off rest.
func cutHeader(rest []byte) (name, value, after []byte) {
	n, v := packed(rest).int32At(0), packed(rest).int32At(4)
	name, after = cutField(rest[headerHead:], n)
	value, after = cutField(after, v)
	return name, value, after
}

// record gives the record back in the router's form; its slices alias the queue.
func (r packed) record(topic string) *router.Record {
	key, value, rest := r.content()
	rec := &router.Record{
		Topic: topic, Key: key, Value: value, Timestamp: r.timestamp(), Partition: r.int32At(atPartition),
		Headers: make([]router.Header, r.headers()),
	}
	for i := range rec.Headers {
		var name []byte
		name, rec.Headers[i].Value, rest = cutHeader(rest)
		rec.Headers[i].Name = string(name)
	}
	return rec
}

// meta is what pack was given.
func (p *Producer) meta(r packed) meta {
	m := meta{
		event: r.event(), position: r.position(), born: r.born(), partition: r.int32At(atPartition), size: r.int32At(atSize),
		isDead: r.isDead(),
	}
	if cause := r.cause(); cause >= 0 {
		m.cause = p.queues[cause]
	}
	return m
}

// walk gives the records that are packed one after the other in data.
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
