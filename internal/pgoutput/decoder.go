package pgoutput

import "fmt"

// The first byte of each message of protocol version 1.
const (
	typeBegin    = 'B'
	typeCommit   = 'C'
	typeOrigin   = 'O'
	typeRelation = 'R'
	typeType     = 'Y'
	typeInsert   = 'I'
	typeUpdate   = 'U'
	typeDelete   = 'D'
	typeTruncate = 'T'
	typeMessage  = 'M'
)

// The messages of a slot that decodes prepared transactions (two_phase), which is
// protocol version 3.
const (
	typeBeginPrepare     = 'b'
	typePrepare          = 'P'
	typeCommitPrepared   = 'K'
	typeRollbackPrepared = 'r'
)

// Decoder decodes the messages of one replication connection. It remembers each
// relation as it was last announced, so a new connection needs a new Decoder. It
// is not safe for concurrent use. The zero value is not usable: see NewDecoder.
type Decoder struct {
	relations map[uint32]*Relation
	recent    *Relation // relation of the last row: most rows are of one table

	// What Decode returns points into these, so that a row costs no allocation.
	begin    Begin
	commit   Commit
	origin   Origin
	insert   Insert
	update   Update
	remove   Delete
	truncate Truncate
	typ      Type
	logical  LogicalMessage
	row      Tuple
}

// NewDecoder returns a Decoder that knows no relation yet.
func NewDecoder() *Decoder {
	return &Decoder{relations: make(map[uint32]*Relation), row: make(Tuple, 0, 16)}
}

// Decode decodes one whole message, the bytes of one XLogData without its header.
//
// The result and what it points to are valid until the next call of Decode, and
// the values of a row as long as b is left alone, for they alias it. A *Relation
// is the exception: it is never changed and lives on, and each Relation message
// gives a new one, so that comparing pointers tells whether a table changed.
//
// An error is a *DecodeError. After one the Decoder remembers what it did before.
func (d *Decoder) Decode(b []byte) (Message, error) {
	if len(b) == 0 {
		return nil, &DecodeError{Want: "a message type"}
	}
	c := cursor{b: b, off: 1}
	switch b[0] {
	case typeInsert:
		return d.decodeInsert(&c)
	case typeBegin:
		return d.decodeBegin(&c)
	case typeCommit:
		return d.decodeCommit(&c)
	case typeUpdate:
		return d.decodeUpdate(&c)
	case typeDelete:
		return d.decodeDelete(&c)
	case typeRelation:
		return d.decodeRelation(&c)
	case typeTruncate:
		return d.decodeTruncate(&c)
	case typeType:
		return d.decodeType(&c)
	case typeOrigin:
		return d.decodeOrigin(&c)
	case typeMessage:
		return d.decodeLogicalMessage(&c)
	}
	e := &DecodeError{Type: b[0], Length: len(b), Want: "a message type of protocol version 1 (BCORYIUDTM)"}
	if e.TwoPhase() {
		e.Want = "a slot without two_phase"
	}
	return nil, e
}

// DecodeError says where a message is not what the protocol says. It holds
// nothing of a row, so it may be logged.
type DecodeError struct {
	Type   byte   // first byte of the message; 0 for an empty one
	Offset int    // byte of the message, counted from 0
	Length int    // bytes of the whole message
	Want   string // what was expected there
}

// TwoPhase reports whether the message is one of a slot that decodes prepared
// transactions.
func (e *DecodeError) TwoPhase() bool {
	switch e.Type {
	case typeBeginPrepare, typePrepare, typeCommitPrepared, typeRollbackPrepared:
		return true
	}
	return false
}

func (e *DecodeError) Error() string {
	if e.Length == 0 {
		return "pgoutput: empty message: want " + e.Want
	}
	return fmt.Sprintf("pgoutput: %s message of %d bytes, at byte %d: want %s", typeName(e.Type), e.Length, e.Offset, e.Want)
}

func typeName(t byte) string {
	switch t {
	case typeBegin:
		return "Begin"
	case typeCommit:
		return "Commit"
	case typeOrigin:
		return "Origin"
	case typeRelation:
		return "Relation"
	case typeType:
		return "Type"
	case typeInsert:
		return "Insert"
	case typeUpdate:
		return "Update"
	case typeDelete:
		return "Delete"
	case typeTruncate:
		return "Truncate"
	case typeMessage:
		return "logical decoding"
	case typeBeginPrepare:
		return "Begin Prepare"
	case typePrepare:
		return "Prepare"
	case typeCommitPrepared:
		return "Commit Prepared"
	case typeRollbackPrepared:
		return "Rollback Prepared"
	}
	return fmt.Sprintf("unknown %q (0x%02x)", rune(t), t)
}
