package connect

import (
	"bytes"
	"encoding/binary"
)

// shape is the schema of the values at one place of a payload: the same place of all
// elements of an array has one shape.
type shape struct {
	kind  kind // kindNull: null alone, of type bytes
	items int32
	weak  bool // the items of an array that was always empty
	empty bool // an array without elements was here, and gave no type

	mixed bool // objects of an array, whose schemas differ
	nulls bool // one of them is null

	name           span  // of a member
	first, last    int32 // members, in the order of their names
	next           int32 // member after it
	count          int   // of members
	typed, typedTo int32 // members that have a type, in the order in which they got it
	typedNext      int32 // member after it that has a type

	owner int32 // object whose member was seen last
	value int32 // that member
}

const rootShape = 1

// narrow is how many members are searched one by one.
const narrow = 16

// infer gives a shape the type of a value, and reports whether it may have it. sample says
// that the value decides on the type: to Debezium of arrays in arrays only the first does.
func (e *Expander) infer(n, s int32, sample bool) bool {
	switch k := e.nodes[n].kind; k {
	case kindNull:
		if e.nulls && e.shapes[s].kind == kindNone {
			e.shapes[s].kind = kindNull
			return !e.shapes[s].empty
		}
		return true
	case kindArray:
		return e.inferArray(n, s, sample)
	case kindObject:
		return e.setKind(s, k) && e.inferObject(n, s)
	default:
		return e.setKind(s, k)
	}
}

// setKind gives a shape a type, and reports whether it may have it. null gives way to any
// other.
func (e *Expander) setKind(s int32, k kind) bool {
	sh := &e.shapes[s]
	if (sh.kind == kindNone || sh.kind == kindNull) && (k == kindArray || !sh.empty) {
		sh.kind = k
	}
	return sh.kind == k
}

// inferArray reports whether the elements are of one type, which it gives the items.
func (e *Expander) inferArray(n, s int32, sample bool) bool {
	first := e.nodes[n].child
	if first == 0 {
		return e.inferEmpty(s)
	}
	items, ok := e.itemsOf(s)
	if !ok {
		return false
	}
	for first != 0 && e.nodes[first].kind == kindNull {
		first = e.nodes[first].next
	}
	switch {
	case first == 0:
		return e.inferNulls(items, sample)
	case sample && e.nodes[first].kind == kindArray && e.nodes[first].child == 0 && !e.emptyStrings(items):
		return false
	}
	k := e.nodes[first].kind
	if sample && k == kindObject {
		e.nodes[n].items = items
	}
	for child := first; child != 0; child = e.nodes[child].next {
		if e.nodes[child].kind == kindNull {
			continue
		}
		if e.nodes[child].kind != k || !e.infer(child, items, sample && (child == first || k == kindObject)) {
			return false
		}
	}
	return true
}

// itemsOf makes a shape an array, and returns the shape of its items.
func (e *Expander) itemsOf(s int32) (items int32, ok bool) {
	if !e.setKind(s, kindArray) {
		return 0, false
	}
	if items = e.shapes[s].items; items != 0 && !e.shapes[s].weak {
		return items, true
	}
	if items, ok = e.newShape(shape{}); ok {
		e.shapes[s].items, e.shapes[s].weak = items, false
	}
	return items, ok
}

// inferNulls reports whether an array may have null alone.
func (e *Expander) inferNulls(items int32, sample bool) bool {
	if e.nulls && e.shapes[items].kind == kindNone {
		e.shapes[items].kind = kindNull
	}
	return e.nulls || !sample && e.shapes[items].kind != kindNone
}

// emptyStrings makes the items of an array that begins with an empty one, and reports
// whether there was room for them.
func (e *Expander) emptyStrings(s int32) bool {
	if !e.emptyArrays {
		return false
	}
	if e.shapes[s].kind != kindNone {
		return true
	}
	items, ok := e.newShape(shape{kind: kindString})
	e.shapes[s].kind, e.shapes[s].items = kindArray, items
	return ok
}

// inferEmpty reports whether an array may have no elements: they are strings, or nothing,
// until a value says more.
func (e *Expander) inferEmpty(s int32) bool {
	sh := &e.shapes[s]
	switch {
	case sh.kind == kindArray:
		return true
	case sh.kind != kindNone && sh.kind != kindNull:
		return false
	case !e.emptyArrays:
		sh.empty = true
		return sh.kind == kindNone
	}
	items, ok := e.newShape(shape{kind: kindString})
	sh = &e.shapes[s]
	sh.kind, sh.items, sh.weak = kindArray, items, true
	return ok
}

// inferObject infers the members of an object, of those with one name the last, and reports
// whether each may have its type.
func (e *Expander) inferObject(n, s int32) bool {
	hint := e.shapes[s].first
	for child := e.nodes[n].child; child != 0; child = e.nodes[child].next {
		m, ok := e.findMember(s, hint, e.nodes[child].name)
		if !ok {
			return false
		}
		e.nodes[child].shape = m
		e.shapes[m].owner, e.shapes[m].value = n, child
		hint = e.shapes[m].next
	}
	for child := e.nodes[n].child; child != 0; child = e.nodes[child].next {
		m := e.nodes[child].shape
		if e.shapes[m].owner != n {
			continue // it was there before, under the same name
		}
		e.shapes[m].owner = 0
		untyped := e.shapes[m].kind == kindNone
		if !e.infer(e.shapes[m].value, m, true) {
			return false
		}
		if untyped && e.shapes[m].kind != kindNone {
			e.link(s, m)
		}
	}
	return true
}

// link puts a member that has a type now behind those that have.
func (e *Expander) link(s, m int32) {
	sh := &e.shapes[s]
	if sh.typed == 0 {
		sh.typed = m
	} else {
		e.shapes[sh.typedTo].typedNext = m
	}
	sh.typedTo = m
}

// findMember returns the shape of a member, and makes it where there is none. hint is the
// one that it is likely to be.
func (e *Expander) findMember(s, hint int32, name span) (int32, bool) {
	text := e.at(name)
	if hint != 0 && bytes.Equal(e.at(e.shapes[hint].name), text) {
		return hint, true
	}
	if e.shapes[s].count > narrow {
		if m, ok := e.wide[string(e.wideKey(s, text))]; ok {
			return m, true
		}
		return e.addMember(s, name)
	}
	for m := e.shapes[s].first; m != 0; m = e.shapes[m].next {
		if bytes.Equal(e.at(e.shapes[m].name), text) {
			return m, true
		}
	}
	return e.addMember(s, name)
}

// addMember adds a member behind the others.
func (e *Expander) addMember(s int32, name span) (int32, bool) {
	added, ok := e.newShape(shape{name: name})
	if !ok {
		return 0, false
	}
	sh := &e.shapes[s]
	if sh.first == 0 {
		sh.first = added
	} else {
		e.shapes[sh.last].next = added
	}
	sh.last = added
	sh.count++
	from := added
	if sh.count == narrow+1 {
		from = sh.first
	}
	for m := from; sh.count > narrow && m != 0; m = e.shapes[m].next {
		e.wide[string(e.wideKey(s, e.at(e.shapes[m].name)))] = m
	}
	return added, true
}

func (e *Expander) wideKey(s int32, name []byte) []byte {
	e.key = append(binary.LittleEndian.AppendUint32(e.key[:0], uint32(s)), name...)
	return e.key
}

// newShape adds a shape; it is false when there are too many.
func (e *Expander) newShape(s shape) (int32, bool) {
	if len(e.shapes) > maxShapes {
		return 0, false
	}
	e.shapes = append(e.shapes, s)
	return int32(len(e.shapes) - 1), true
}
