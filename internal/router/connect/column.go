package connect

import (
	"github.com/walpost/walpost/internal/router/debezium"
)

// Facts is what the catalogue knows of a column and the stream does not say.
type Facts struct {
	NotNull bool
	Default string // expression, as pg_get_expr prints it; "" for none
}

// Column writes the values of a column.
type Column struct {
	conversion debezium.Conversion
	schema     schema
	null       []byte // what NULL becomes
	text       bool   // the value is a string
	plain      bool   // the string is Postgres' text
	nullEmpty  bool   // what NULL becomes is empty
}

// NewColumn returns the Column of a type. types holds the types that are not built in, by
// OID.
func NewColumn(oid uint32, typeMod int32, f Facts, binary debezium.Binary, types map[uint32]debezium.TypeInfo) *Column {
	base, modifier := baseOf(oid, typeMod, types)
	c := &Column{}
	element := debezium.ElementOf(base)
	if element == 0 {
		element = types[base].Element
	}
	if element != 0 {
		base, modifier = baseOf(element, modifier, types)
		items := typeOf(base, modifier, binary, types)
		items.optional = types[base].Kind != 'e' // of an enum Debezium forgets it
		c.schema = schema{kind: typeArray, items: &items}
		c.conversion = debezium.ConversionOf(base, modifier).Binary(binary).List()
	} else {
		c.schema = typeOf(base, modifier, binary, types)
		c.conversion = debezium.ConversionOf(base, modifier).Binary(binary)
	}
	c.text = c.schema.kind == typeString
	c.schema.optional = !f.NotNull
	if f.Default != "" && base == oid {
		c.schema.def = c.defaultOf(oid, f.Default, types)
	}
	c.plain = c.text && c.conversion.Verbatim()
	c.null, c.nullEmpty = []byte("null"), true
	if c.schema.def != nil {
		c.null, c.nullEmpty = c.schema.def, string(c.schema.def) == `""`
	}
	return c
}

// baseOf returns what a domain is made from, and other types as they are.
func baseOf(oid uint32, typeMod int32, types map[uint32]debezium.TypeInfo) (base uint32, modifier int32) {
	for range 16 { // domains over domains
		info := types[oid]
		if info.Kind != 'd' || info.Base == 0 {
			break
		}
		oid, typeMod = info.Base, info.BaseMod
	}
	return oid, typeMod
}

// Text reports whether the value is a string to Kafka Connect.
func (c *Column) Text() bool { return c.text }

// JSON reports whether the value is a string that holds JSON.
func (c *Column) JSON() bool { return c.schema.name == prefix+jsonType }

// Required reports whether the schema says that there is no NULL.
func (c *Column) Required() bool { return !c.schema.optional }

// Shrinks returns how many times longer Postgres' text of a value may be than the value's.
func (c *Column) Shrinks() int64 { return c.conversion.JSONShrinks() }

// AppendSchema appends the schema, as that of a field where name is not empty.
func (c *Column) AppendSchema(dst []byte, name string) []byte { return c.schema.append(dst, name) }

// AppendValue appends the value of Postgres' text. The errors are those of package debezium.
func (c *Column) AppendValue(dst, text []byte) ([]byte, error) {
	return c.conversion.AppendJSON(dst, text)
}

// AppendNull appends what NULL becomes: the default where there is one, as Kafka Connect
// does.
func (c *Column) AppendNull(dst []byte) []byte { return append(dst, c.null...) }

// Kind returns the name of the type for messages.
func (c *Column) Kind() string { return c.conversion.String() }

// Empty reports whether Debezium's EventRouter takes a payload for empty: NULL, or a string
// of nothing but blanks and control characters.
func (c *Column) Empty(text []byte, null bool) bool {
	if null {
		return c.nullEmpty
	}
	if !c.text {
		return false
	}
	if !c.plain { // a bytea as a text
		return len(text) <= len(`\x`)
	}
	for _, b := range text {
		if b > ' ' {
			return false
		}
	}
	return true
}
