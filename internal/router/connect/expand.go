package connect

import (
	"hash/maphash"
	"unicode/utf8"
)

// What a payload that is expanded may have. Memory for it is bounded by these.
const (
	maxDepth  = 1000    // of objects and arrays in each other: Jackson's limit
	maxNodes  = 1 << 20 // values
	maxShapes = 1 << 16 // members with different places or names
	maxKept   = 1 << 13 // nodes and shapes that are kept from one payload to the next
)

// Expander turns payloads of JSON into structs, as Debezium's EventRouter does with
// table.expand.json.payload: it infers a schema, and prints the values by it. It is not
// safe for concurrent use: it reuses its memory at every payload.
type Expander struct {
	name        string // of the struct: the column
	nulls       bool   // null is a member; else it is left out
	emptyArrays bool   // [] is a member; else it is left out

	text   []byte // the payload, and names without their escapes behind it
	size   int    // of the payload
	off    int    // in it
	nodes  []node // values, from 1 on; 1 is the whole
	shapes []shape
	wide   map[string]int32 // members of objects with many: by shape and name
	key    []byte           // of wide
	path   []byte           // name of a struct
	seed   maphash.Seed     // of digests
}

// NewExpander returns an Expander of a column's payloads. nulls and emptyArrays say
// whether members that are null or [] stay.
func NewExpander(column string, nulls, emptyArrays bool) *Expander {
	return &Expander{name: column, nulls: nulls, emptyArrays: emptyArrays, wide: map[string]int32{}, seed: maphash.MakeSeed()}
}

// kind is what a value is: one of JSON's, with three of numbers.
type kind uint8

const (
	kindNone kind = iota // of a shape: no value had a type yet
	kindNull
	kindBoolean
	kindString
	kindInt32
	kindInt64
	kindDouble
	kindArray
	kindObject
)

// span is a place in Expander.text.
type span struct{ off, end uint32 }

// node is one value of a payload.
type node struct {
	kind  kind
	name  span  // of a member
	value span  // of a scalar, without quotes
	child int32 // first of an array or object; 0: none
	next  int32 // after it in the same array or object; 0: none
	shape int32 // of a member
	items int32 // shape of the objects of an array

	digest uint64 // of its schema
}

// Expand reads a payload, and reports whether it can be expanded. Where it is false
// Debezium publishes the text. The payload must not change until its parts are appended.
func (e *Expander) Expand(payload []byte) bool {
	if len(payload) == 0 || payload[0] != '{' || !utf8.Valid(payload) { // Debezium fails at a top-level array
		return false
	}
	e.reset()
	e.text, e.size = append(e.text, payload...), len(payload)
	root, ok := e.read(0)
	e.space()
	if !ok || e.off != e.size {
		return false
	}
	e.shapes = append(e.shapes, shape{})
	return e.infer(root, rootShape, true)
}

// reset forgets the payload before.
func (e *Expander) reset() {
	if cap(e.nodes) > maxKept {
		e.nodes = nil
	}
	if cap(e.shapes) > maxKept {
		e.shapes = nil
	}
	if cap(e.text) > maxKept*16 {
		e.text = nil
	}
	if len(e.wide) > 0 {
		e.wide = map[string]int32{}
	}
	e.text, e.off = e.text[:0], 0
	e.nodes = append(e.nodes[:0], node{})
	e.shapes = append(e.shapes[:0], shape{})
}

func (e *Expander) at(s span) []byte { return e.text[s.off:s.end] }

// add adds a node, and returns 0 when there are too many.
func (e *Expander) add(n node) (int32, bool) {
	if len(e.nodes) > maxNodes {
		return 0, false
	}
	e.nodes = append(e.nodes, n)
	return int32(len(e.nodes) - 1), true
}

// read reads one value, strictly by RFC 8259.
func (e *Expander) read(depth int) (int32, bool) {
	e.space()
	if e.off == e.size || depth > maxDepth {
		return 0, false
	}
	switch c := e.text[e.off]; c {
	case '{', '[':
		e.off++
		return e.container(c, depth)
	case '"':
		e.off++
		value, _, ok := e.string()
		if !ok {
			return 0, false
		}
		return e.add(node{kind: kindString, value: value})
	case 't':
		return e.word("true", kindBoolean)
	case 'f':
		return e.word("false", kindBoolean)
	case 'n':
		return e.word("null", kindNull)
	default:
		return e.number()
	}
}

// container reads an array or object from behind its bracket.
func (e *Expander) container(bracket byte, depth int) (int32, bool) {
	k, end := kindArray, byte(']')
	if bracket == '{' {
		k, end = kindObject, '}'
	}
	parent, ok := e.add(node{kind: k})
	if !ok || e.take(end) {
		return parent, ok
	}
	last := int32(0)
	for {
		child, ok := e.item(k == kindObject, depth+1)
		if !ok {
			return 0, false
		}
		if last == 0 {
			e.nodes[parent].child = child
		} else {
			e.nodes[last].next = child
		}
		last = child
		if e.take(end) {
			return parent, true
		}
		if !e.take(',') {
			return 0, false
		}
	}
}

// item reads an element of an array, or a member of an object.
func (e *Expander) item(named bool, depth int) (child int32, ok bool) {
	var name span
	if named {
		if name, ok = e.member(); !ok {
			return 0, false
		}
	}
	if child, ok = e.read(depth); ok {
		e.nodes[child].name = name
	}
	return child, ok
}

// member reads the name of a member and its colon.
func (e *Expander) member() (span, bool) {
	if !e.take('"') {
		return span{}, false
	}
	name, escaped, ok := e.string()
	if !ok || !e.take(':') {
		return span{}, false
	}
	if escaped {
		start := len(e.text)
		e.text = appendUnescaped(e.text, e.at(name))
		name = span{uint32(start), uint32(len(e.text))}
	}
	return name, true
}

func (e *Expander) space() {
	for e.off < e.size {
		switch e.text[e.off] {
		case ' ', '\t', '\r', '\n':
			e.off++
		default:
			return
		}
	}
}

// take takes the next byte behind blanks if it is c, and reports whether it was.
func (e *Expander) take(c byte) bool {
	e.space()
	if e.off < e.size && e.text[e.off] == c {
		e.off++
		return true
	}
	return false
}

func (e *Expander) word(word string, k kind) (int32, bool) {
	end := e.off + len(word)
	if end > e.size || string(e.text[e.off:end]) != word {
		return 0, false
	}
	value := span{uint32(e.off), uint32(end)}
	e.off = end
	return e.add(node{kind: k, value: value})
}
