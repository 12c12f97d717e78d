package pgoutput

import "time"

// Message is one decoded pgoutput message: *Begin, *Commit, *Relation, *Insert,
// *Update, *Delete, *Truncate, *Type, *Origin or *LogicalMessage.
type Message interface{ message() }

// Begin opens a transaction.
type Begin struct {
	CommitLSN  LSN       // LSN of the commit record; the order of the stream, and the first half of a position
	CommitTime time.Time // commit timestamp of the transaction, microseconds, UTC
	XID        uint32
}

// Commit closes a transaction.
type Commit struct {
	CommitLSN  LSN       // LSN of the commit record, equal to Begin.CommitLSN
	EndLSN     LSN       // the byte after the commit record: the only LSN of a transaction that may be confirmed
	CommitTime time.Time // as in Begin
}

// Relation describes a table as it was at this point of the WAL. It is sent
// before the first row of a table and again after each change of its definition.
type Relation struct {
	ID              uint32 // OID of the table
	Namespace       string // schema; "" means pg_catalog
	Name            string
	ReplicaIdentity byte
	Columns         []Column
}

// Column is one column of a Relation.
type Column struct {
	Name    string
	TypeOID uint32
	TypeMod int32 // atttypmod; -1 when the type has none
	Key     bool  // part of the replica identity
}

// Insert is a new row. Relation is the table's definition of that moment.
type Insert struct {
	Relation *Relation
	Row      Tuple
}

// Update, Delete and Truncate carry no row: walpost publishes inserts only and
// counts the others. They are checked to be well formed all the same.
type (
	// Update is a changed row.
	Update struct{ Relation *Relation }
	// Delete is a removed row.
	Delete struct{ Relation *Relation }
	// Truncate empties the tables named.
	Truncate struct{ RelationIDs []uint32 }
)

// Type names a type that is not built in.
type Type struct {
	OID             uint32
	Namespace, Name string
}

// Origin names where a replicated transaction came from.
type Origin struct {
	CommitLSN LSN
	Name      string
}

// LogicalMessage is written by pg_logical_emit_message.
type LogicalMessage struct {
	Transactional bool
	LSN           LSN
	Prefix        string
	Content       []byte // aliases the input
	Cut           int    // length of the content, where Content is only its beginning; else 0
}

// Tuple is the values of a row, in the order of its Relation's columns.
type Tuple []Value

// Kind says how a value was sent.
type Kind byte

// The kinds of a value, as the protocol names them.
const (
	Null      Kind = 'n'
	Unchanged Kind = 'u' // a TOASTed value an UPDATE did not touch; never in an insert
	Text      Kind = 't'
	Binary    Kind = 'b'
	Discarded Kind = 'd' // a column of a long row that was not kept; not a kind of the protocol's
)

// Value is one column of a row. Data aliases the decoder's input and is valid as
// long as that is. Of a Discarded column Size is its length and Data its beginning.
type Value struct {
	Kind Kind
	Size uint32
	Data []byte
}

func (*Begin) message()          {}
func (*Commit) message()         {}
func (*Relation) message()       {}
func (*Insert) message()         {}
func (*Update) message()         {}
func (*Delete) message()         {}
func (*Truncate) message()       {}
func (*Type) message()           {}
func (*Origin) message()         {}
func (*LogicalMessage) message() {}
