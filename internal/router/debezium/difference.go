package debezium

import (
	"strconv"
	"strings"
)

// TypeInfo is what the catalogue knows of a type and the stream does not say.
type TypeInfo struct {
	Name    string   // pg_type.typname
	Kind    byte     // pg_type.typtype: b base, c composite, d domain, e enum, m multirange, p pseudo, r range
	Element uint32   // of an array: the type of its elements, else 0
	Base    uint32   // of a domain: the type that it is made from, else 0
	BaseMod int32    // of a domain: the modifier of that type
	Labels  []string // of an enum, in its order
}

// Difference returns in what the text of a type differs from Debezium's, "" when it
// does not. types holds the types that are not built in, by OID.
func Difference(typeOID uint32, typeMod int32, types map[uint32]TypeInfo) string {
	oid := typeOID
	if e := ElementOf(oid); e != 0 {
		oid = e
	}
	if geometricName(oid) != "" && oid != OIDPoint {
		return "type " + TypeName(typeOID) + " is published as Postgres prints it; Debezium publishes a structure"
	}
	if scale := numericScale(oid, typeMod); scale > 6 {
		return "numeric with " + strconv.Itoa(scale) +
			" decimals is published as Postgres prints it; Debezium publishes numbers nearer to zero than 0.000001 with an exponent, " +
			"as 1E-7"
	}
	if typeOID >= firstUserOID {
		return userTypeDifference(typeOID, types)
	}
	return ""
}

// numericScale returns the digits behind the point of numeric(p,s), 0 for others.
func numericScale(oid uint32, typeMod int32) int {
	if oid != OIDNumeric {
		return 0
	}
	_, scale, _ := NumericModifier(typeMod)
	return scale
}

// NumericModifier returns p and s of numeric(p,s). It is false for a numeric without them.
func NumericModifier(typeMod int32) (precision, scale int, ok bool) {
	if typeMod < 4 {
		return 0, 0, false
	}
	scale = int(typeMod-4) & 0x7ff // eleven bits, signed since PG 15
	if scale >= 0x400 {
		scale -= 0x800
	}
	return int(typeMod-4) >> 16, scale, true
}

// userTypeDifference is Difference for types that are not built in.
func userTypeDifference(oid uint32, types map[uint32]TypeInfo) string {
	info, known := types[oid]
	if !known {
		return "type " + TypeName(oid) + " is not built in and is published as Postgres prints it; Debezium may publish another text"
	}
	switch {
	case info.Kind == 'e', info.Name == "citext", info.Name == "ltree", info.Name == "isbn":
		return ""
	case info.Kind == 'd':
		return "domain " + info.Name + " is published as Postgres prints it; Debezium publishes it as its base type"
	case strings.HasPrefix(info.Name, "_"):
		return "array type " + info.Name[1:] + "[] is published as Postgres prints it; Debezium publishes a list as [\"a\",\"b\"]"
	}
	return "type " + info.Name + " is published as Postgres prints it; Debezium may publish another text"
}
