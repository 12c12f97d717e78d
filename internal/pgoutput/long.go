package pgoutput

import "encoding/binary"

// Source returns the bytes of a message that is too long to be held, piece by piece.
type Source interface {
	// Next returns from 1 to n bytes, which are valid until the next call.
	Next(n int) ([]byte, error)
}

// Keep tells what to keep of a long message. The rest is skipped.
type Keep interface {
	// Columns returns for each column of a table how many bytes it may have; nil:
	// no row of this table is of use.
	Columns(r *Relation) []int
	// Content returns how many bytes the content of a message with this prefix may have.
	Content(prefix string, transactional bool) int
}

const (
	// keptHead is what is kept of a column that is discarded: enough to name the
	// row. A column of no more than that is always kept.
	keptHead = 1 << 10
	// keptContent is what is kept of the content of a message that is discarded.
	keptContent = 64 << 10
	// keptPrefix is what is kept of the prefix of a long message.
	keptPrefix = 64 << 10
	pieceSize  = 64 << 10
)

// DecodeLong is Decode for a message of size bytes that is not in memory as a
// whole. It copies what it keeps. A column that is longer than keep allows is Discarded.
// All columns together hold no more than the largest number of keep.Columns, plus keptHead
// for each.
//
// An error is a *DecodeError, or the source's own.
func (d *Decoder) DecodeLong(src Source, size int, keep Keep) (Message, error) {
	l := &long{src: src, size: size}
	l.kind = l.uint8("a message type")
	var m Message
	switch l.kind {
	case typeInsert:
		m = d.longInsert(l, keep)
	case typeUpdate:
		m = d.longUpdate(l)
	case typeDelete:
		m = d.longDelete(l)
	case typeTruncate:
		m = d.longTruncate(l)
	case typeMessage:
		m = d.longLogicalMessage(l, keep)
	default:
		l.fail(0, "a message of a type that can be so long (IUDTM)")
	}
	if err := l.end(); err != nil {
		return nil, err
	}
	return m, nil
}

func (d *Decoder) longInsert(l *long, keep Keep) Message {
	r := l.relation(d)
	if l.uint8("'N', a new tuple") != tupleNew {
		l.fail(5, "'N', a new tuple")
	}
	if l.failed() {
		return nil
	}
	d.longTuple(l, r, keep.Columns(r), false)
	d.insert = Insert{Relation: r, Row: d.row}
	return &d.insert
}

func (d *Decoder) longUpdate(l *long) Message {
	r := l.relation(d)
	at := l.off
	kind := l.uint8("'K', 'O' or 'N', an old or a new tuple")
	if kind == tupleKey || kind == tupleOld {
		d.longTuple(l, r, nil, true)
		at = l.off
		kind = l.uint8("'N', a new tuple")
	}
	if kind != tupleNew {
		l.fail(at, "'N', a new tuple")
	}
	d.longTuple(l, r, nil, true)
	d.update = Update{Relation: r}
	return &d.update
}

func (d *Decoder) longDelete(l *long) Message {
	r := l.relation(d)
	if kind := l.uint8("'K' or 'O', an old tuple"); kind != tupleKey && kind != tupleOld {
		l.fail(5, "'K' or 'O', an old tuple")
	}
	d.longTuple(l, r, nil, true)
	d.remove = Delete{Relation: r}
	return &d.remove
}

// longTruncate leaves out which tables they are.
func (d *Decoder) longTruncate(l *long) Message {
	n := int(l.uint32("4 bytes of table count"))
	l.uint8("1 byte of options")
	if n != l.left()/4 {
		l.fail(1, "a table count with so many OIDs behind it")
	}
	l.skip(l.left()/4*4, "OIDs")
	d.truncate.RelationIDs = d.truncate.RelationIDs[:0]
	return &d.truncate
}

func (d *Decoder) longLogicalMessage(l *long, keep Keep) Message {
	flags := l.uint8("1 byte of flags")
	if flags > 1 {
		l.fail(1, "flags 0 or 1, the only ones the protocol defines")
	}
	lsn := LSN(binary.BigEndian.Uint64(l.bytes(8, "8 bytes of LSN")))
	prefix := string(l.prefix())
	n := int(int32(l.uint32("4 bytes of length")))
	if n < 0 || n > l.left() {
		l.fail(l.off-4, "as many bytes of content as the length says")
	}
	if l.failed() {
		return nil
	}
	d.logical = LogicalMessage{Transactional: flags == 1, LSN: lsn, Prefix: prefix}
	kept := n
	if limit := keep.Content(prefix, flags == 1); n > limit {
		d.logical.Cut, kept = n, min(n, limit, keptContent)
	}
	d.logical.Content = l.bytes(kept, "content")
	l.skip(n-kept, "content")
	return &d.logical
}

// longTuple is decodeTuple for a row that is not in memory.
func (d *Decoder) longTuple(l *long, r *Relation, limits []int, unchanged bool) {
	at := l.off
	n := int(l.uint16("2 bytes of column count"))
	if l.failed() {
		return
	}
	if n != len(r.Columns) {
		l.fail(at, "as many columns as the table's Relation message has")
		return
	}
	if cap(d.row) < n {
		d.row = make(Tuple, n)
	}
	d.row = d.row[:n]
	room := 0
	for _, limit := range limits {
		room = max(room, limit)
	}
	for i := range d.row {
		limit := 0
		if limits != nil {
			limit = min(limits[i], room)
		}
		d.row[i] = l.value(limit, limits != nil && limits[i] > 0, unchanged)
		if l.failed() {
			return
		}
		if len(d.row[i].Data) > keptHead {
			room -= len(d.row[i].Data)
		}
	}
}

// long reads a message from front to back as cursor does, from a source. The
// first failure is kept, of the message or of the source, and from there on
// nothing is read.
type long struct {
	src   Source
	piece []byte // read from the source and not yet taken
	size  int
	off   int
	kind  byte
	want  string
	at    int
	err   error // the source's
}

func (l *long) left() int    { return l.size - l.off }
func (l *long) failed() bool { return l.want != "" || l.err != nil }

func (l *long) fail(at int, want string) {
	if !l.failed() {
		l.want, l.at = want, at
	}
}

// some returns from 1 to n bytes; nil after a failure.
func (l *long) some(n int) []byte {
	if l.failed() {
		return nil
	}
	if len(l.piece) == 0 {
		if l.piece, l.err = l.src.Next(min(l.left(), pieceSize)); l.err != nil {
			return nil
		}
	}
	b := l.piece[:min(n, len(l.piece))]
	l.piece = l.piece[len(b):]
	l.off += len(b)
	return b
}

// has reports whether n more bytes belong to the message.
func (l *long) has(n int, want string) bool {
	if n < 0 || n > l.left() {
		l.fail(l.off, want)
	}
	return !l.failed()
}

// bytes returns a copy of the next n bytes. After a failure they are zeros, and never more
// than the message has.
func (l *long) bytes(n int, want string) []byte {
	if !l.has(n, want) {
		return make([]byte, 8)
	}
	kept := make([]byte, 0, n)
	for len(kept) < n && !l.failed() {
		kept = append(kept, l.some(n-len(kept))...)
	}
	return kept[:n]
}

func (l *long) skip(n int, want string) {
	if !l.has(n, want) {
		return
	}
	for n > 0 && !l.failed() {
		n -= len(l.some(n))
	}
}

func (l *long) uint8(want string) byte    { return l.bytes(1, want)[0] }
func (l *long) uint16(want string) uint16 { return binary.BigEndian.Uint16(l.bytes(2, want)) }
func (l *long) uint32(want string) uint32 { return binary.BigEndian.Uint32(l.bytes(4, want)) }

// prefix reads the bytes up to the next zero byte, and returns the first of them.
func (l *long) prefix() []byte {
	const want = "a prefix that ends with a zero byte"
	var kept []byte
	for l.has(1, want) {
		b := l.some(1)
		if len(b) == 0 || b[0] == 0 {
			break
		}
		if len(kept) < keptPrefix {
			kept = append(kept, b[0])
		}
	}
	return kept
}

// relation is Decoder.relation.
func (l *long) relation(d *Decoder) *Relation {
	id := l.uint32("4 bytes of table OID")
	r := d.relations[id]
	if r == nil {
		l.fail(1, "the OID of a table announced by a Relation message before")
		return &Relation{}
	}
	d.recent = r
	return r
}

// value reads one column, and keeps it whole if it has no more than limit bytes. Of a
// discarded column it keeps the head, if that is wanted.
func (l *long) value(limit int, wanted, unchanged bool) Value {
	kind := Kind(l.uint8("a column"))
	switch {
	case l.failed():
		return Value{}
	case kind == Null, kind == Unchanged && unchanged:
		return Value{Kind: kind}
	case kind != Text && kind != Binary:
		l.fail(l.off-1, wantKind(unchanged))
		return Value{}
	}
	size := int(int32(l.uint32("4 bytes of length")))
	if size < 0 || size > l.left() {
		l.fail(l.off-4, "a length with so many bytes behind it")
		return Value{}
	}
	kept := 0
	switch {
	case wanted && size <= max(limit, keptHead):
		return Value{Kind: kind, Data: l.bytes(size, "a column")}
	case wanted:
		kept = keptHead
	}
	head := l.bytes(kept, "a column")
	l.skip(size-kept, "a column")
	return Value{Kind: Discarded, Size: uint32(size), Data: head}
}

// end returns the first failure, or says that the message did not end where it should.
func (l *long) end() error {
	if l.err != nil {
		return l.err
	}
	if l.want == "" && l.off != l.size {
		l.want, l.at = "the end of the message", l.off
	}
	if l.want != "" {
		return &DecodeError{Type: l.kind, Offset: l.at, Length: l.size, Want: l.want}
	}
	return nil
}
