package connect

import "hash/maphash"

// none is the digest of a value that gives its object no member.
const none = 0

// markMixed finds the arrays whose objects have other members or types than one another. To the schemas of those Debezium gives
// a union of its own, which is not optional.
func (e *Expander) markMixed() {
	for n := int32(len(e.nodes) - 1); n > 0; n-- { // what a value contains comes behind it
		switch k := e.nodes[n].kind; k {
		case kindNull:
			e.nodes[n].digest = e.digestIf(e.nulls, k, none)
		case kindArray:
			e.nodes[n].digest = e.digestArray(n)
		case kindObject:
			e.nodes[n].digest = e.digestObject(n)
		default:
			e.nodes[n].digest = e.digestOf(k, none)
		}
	}
}

// digestObject stands for the schema that Debezium infers from an object alone. The order of its members counts.
func (e *Expander) digestObject(n int32) uint64 {
	for child := e.nodes[n].child; child != 0; child = e.nodes[child].next {
		m := &e.shapes[e.nodes[child].shape]
		m.owner, m.value = n, child
	}
	digest := e.digestOf(kindObject, none)
	for child := e.nodes[n].child; child != 0; child = e.nodes[child].next {
		m := &e.shapes[e.nodes[child].shape]
		if m.owner != n {
			continue // it was there before, under the same name
		}
		m.owner = 0
		if value := e.nodes[m.value].digest; value != none {
			digest = maphash.Comparable(e.seed, [3]uint64{digest, maphash.Bytes(e.seed, e.at(m.name)), value})
		}
	}
	return digest
}

// digestArray stands for the schema of an array: that of its first element, of objects that of all. It marks the shape of objects
// that are mixed, unless one is null: Debezium writes no such array, and a schema must allow what is there.
func (e *Expander) digestArray(n int32) uint64 {
	var first, low, high uint64
	nulls := false
	for child := e.nodes[n].child; child != 0; child = e.nodes[child].next {
		digest := e.nodes[child].digest
		switch {
		case e.nodes[child].kind == kindNull:
			nulls = true
			continue
		case first == none:
			first, low, high = digest, digest, digest
		}
		low, high = min(low, digest), max(high, digest)
	}
	switch items := e.nodes[n].items; {
	case e.nodes[n].child == 0:
		return e.digestIf(e.emptyArrays, kindArray, e.digestOf(kindString, none))
	case items == 0: // no objects
		return e.digestOf(kindArray, first)
	default:
		e.shapes[items].mixed = e.shapes[items].mixed || low != high
		e.shapes[items].nulls = e.shapes[items].nulls || nulls
		return maphash.Comparable(e.seed, [2]uint64{low, high})
	}
}

func (e *Expander) digestOf(k kind, items uint64) uint64 {
	return maphash.Comparable(e.seed, [2]uint64{uint64(k), items})
}

func (e *Expander) digestIf(is bool, k kind, items uint64) uint64 {
	if !is {
		return none
	}
	return e.digestOf(k, items)
}
