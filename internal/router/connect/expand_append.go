package connect

import (
	"strconv"

	"github.com/walpost/walpost/internal/router/debezium"
)

// AppendValue appends the payload that Expand read last, printed by its schema.
func (e *Expander) AppendValue(dst []byte) []byte { return e.appendNode(dst, 1, rootShape) }

func (e *Expander) appendNode(dst []byte, n, s int32) []byte {
	switch e.nodes[n].kind {
	case kindArray:
		return e.appendArray(dst, n, s)
	case kindObject:
		return e.appendObject(dst, n, s)
	case kindString:
		dst = appendReescaped(append(dst, '"'), e.at(e.nodes[n].value))
		return append(dst, '"')
	case kindDouble:
		dst, _ = debezium.AppendDouble(dst, e.at(e.nodes[n].value))
		return dst
	default:
		value := e.at(e.nodes[n].value)
		if string(value) == "-0" {
			value = value[1:] // an int of Java has one zero
		}
		return append(dst, value...)
	}
}

func (e *Expander) appendArray(dst []byte, n, s int32) []byte {
	dst = append(dst, '[')
	for child := e.nodes[n].child; child != 0; child = e.nodes[child].next {
		if child != e.nodes[n].child {
			dst = append(dst, ',')
		}
		dst = e.appendNode(dst, child, e.shapes[s].items)
	}
	return append(dst, ']')
}

// appendObject appends every member that the shape has: null where the object has none.
func (e *Expander) appendObject(dst []byte, n, s int32) []byte {
	for child := e.nodes[n].child; child != 0; child = e.nodes[child].next {
		m := &e.shapes[e.nodes[child].shape]
		m.owner, m.value = n, child
	}
	dst = append(dst, '{')
	for m := e.shapes[s].typed; m != 0; m = e.shapes[m].typedNext {
		if m != e.shapes[s].typed {
			dst = append(dst, ',')
		}
		dst = e.appendName(dst, m)
		dst = append(dst, ':')
		if e.shapes[m].owner == n {
			dst = e.appendNode(dst, e.shapes[m].value, m)
		} else {
			dst = append(dst, "null"...)
		}
	}
	return append(dst, '}')
}

func (e *Expander) appendName(dst []byte, m int32) []byte {
	dst, _ = debezium.AppendString(dst, e.at(e.shapes[m].name))
	return dst
}

// AppendSchema appends the schema of the payload that Expand read last, as that of a field
// where name is not empty.
func (e *Expander) AppendSchema(dst []byte, name string) []byte {
	e.markMixed()
	e.path = append(e.path[:0], e.name...)
	dst = e.appendShape(dst, rootShape, 0, true)
	if name != "" {
		dst = appendMember(dst, "field", name)
	}
	return append(dst, '}')
}

// appendShape appends a schema without its brace at the end. The name of a struct is
// e.path from an offset on, if it has one.
func (e *Expander) appendShape(dst []byte, s int32, from int, named bool) []byte {
	dst = append(dst, `{"type":"`...)
	dst = append(dst, e.typeName(s)...)
	dst = append(dst, '"')
	switch e.shapes[s].kind {
	case kindArray:
		dst = append(dst, `,"items":`...)
		items := e.shapes[s].items
		dst = e.appendShape(dst, items, from, named && e.shapes[items].kind != kindArray)
		dst = append(dst, '}')
	case kindObject:
		dst = append(dst, `,"fields":[`...)
		dst = e.appendFields(dst, s, from, named)
		dst = append(dst, ']')
	default:
	}
	dst = append(dst, `,"optional":`...)
	dst = strconv.AppendBool(dst, !e.shapes[s].mixed || e.shapes[s].nulls)
	if named && e.shapes[s].kind == kindObject {
		dst = append(dst, `,"name":`...)
		dst, _ = debezium.AppendString(dst, e.path[from:])
	}
	return dst
}

// appendFields appends the members of a struct.
func (e *Expander) appendFields(dst []byte, s int32, from int, named bool) []byte {
	end := len(e.path)
	for m := e.shapes[s].typed; m != 0; m = e.shapes[m].typedNext {
		if m != e.shapes[s].typed {
			dst = append(dst, ',')
		}
		start := from
		if named {
			e.path = append(e.path, '.')
		} else {
			start = end
		}
		e.path = append(e.path, e.at(e.shapes[m].name)...)
		dst = e.appendShape(dst, m, start, true)
		e.path = e.path[:end]
		dst = append(dst, `,"field":`...)
		dst = append(e.appendName(dst, m), '}')
	}
	return dst
}

func (e *Expander) typeName(s int32) string {
	switch e.shapes[s].kind {
	case kindBoolean:
		return typeBoolean
	case kindInt32:
		return typeInt32
	case kindInt64:
		return typeInt64
	case kindDouble:
		return typeDouble
	case kindArray:
		return typeArray
	case kindObject:
		return typeStruct
	case kindNone, kindNull:
		return typeBytes
	default:
		return typeString
	}
}
