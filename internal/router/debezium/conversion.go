package debezium

import "strconv"

// kind is how the text of a type is made from Postgres' own.
type kind byte

const (
	kindText        kind = iota // taken over, as the next two
	kindNumber                  // taken over; without quotes in an array
	kindNumeric                 // numeric(p,s): taken over; without quotes in an array
	kindBool                    // true, false
	kindDate                    // days since 1970
	kindMicros                  // timestamp: microseconds since 1970
	kindMillis                  // timestamp(0) to (3): milliseconds since 1970
	kindTimestamptz             // ISO 8601, UTC
	kindTimeMicros              // time: microseconds since midnight
	kindTimeMillis              // time(0) to (3): milliseconds since midnight
	kindTimetz                  // ISO 8601, UTC
	kindInterval                // microseconds
	kindFloat32                 // Java's Float.toString
	kindFloat64                 // Java's Double.toString
	kindDecimal                 // numeric without a scale: {"scale":…,"value":"…"}
	kindBytea                   // base64
	kindBase64                  // bytea as a text: base64
	kindBase64URL               // bytea as a text: base64 of RFC 4648, section 5
	kindHex                     // bytea as a text: hexadecimal digits
	kindRawBytea                // bytea of key and value: the bytes
	kindBit                     // bit(1): true, false
	kindBits                    // bit(n), bit varying: base64, lowest byte first
	kindMoney                   // without currency sign and thousands separators
	kindPoint                   // {"x":…,"y":…,"wkb":"…","srid":null}
)

// Conversion makes the text of a column from Postgres' text of it: for each type
// as Debezium's Postgres connector and Kafka Connect's SimpleHeaderConverter do.
type Conversion struct {
	kind   kind
	array  bool // of elements of that kind
	digits int  // kindTimestamptz: digits of the fraction of a second; kindNumeric: the scale
}

// Verbatim reports whether Postgres' bytes are the record's.
func (c Conversion) Verbatim() bool {
	return !c.array && c.kind.verbatim()
}

func (k kind) verbatim() bool { return k <= kindNumeric }

// String returns the name of the type for messages.
func (c Conversion) String() string { return c.kind.String() }

// ConversionOf returns the conversion for a column of this type. Types it does not
// know are taken over as they are.
func ConversionOf(oid uint32, typeMod int32) Conversion {
	if e := ElementOf(oid); e != 0 {
		return ConversionOf(e, typeMod).List()
	}
	switch oid {
	case OIDBool:
		return Conversion{kind: kindBool}
	case OIDInt2, OIDInt4, OIDInt8, OIDOID:
		return Conversion{kind: kindNumber}
	case OIDNumeric:
		if typeMod < 0 {
			return Conversion{kind: kindDecimal}
		}
		return Conversion{kind: kindNumeric, digits: numericScale(oid, typeMod)}
	case OIDFloat4:
		return Conversion{kind: kindFloat32}
	case OIDFloat8:
		return Conversion{kind: kindFloat64}
	case OIDMoney:
		return Conversion{kind: kindMoney}
	case OIDPoint:
		return Conversion{kind: kindPoint}
	case OIDBytea:
		return Conversion{kind: kindBytea}
	case OIDBit, OIDVarbit:
		if typeMod == 1 {
			return Conversion{kind: kindBit}
		}
		return Conversion{kind: kindBits}
	}
	return temporalConversion(oid, typeMod)
}

// List returns the conversion for an array of such values.
func (c Conversion) List() Conversion {
	c.array = true
	return c
}

// temporalConversion is ConversionOf for the types of dates and times, whose
// typmod is the number of digits after the second, -1 for all six.
func temporalConversion(oid uint32, typeMod int32) Conversion {
	millis := typeMod >= 0 && typeMod <= 3
	switch {
	case oid == OIDDate:
		return Conversion{kind: kindDate}
	case oid == OIDTimestamp && millis:
		return Conversion{kind: kindMillis}
	case oid == OIDTimestamp:
		return Conversion{kind: kindMicros}
	case oid == OIDTime && millis:
		return Conversion{kind: kindTimeMillis}
	case oid == OIDTime:
		return Conversion{kind: kindTimeMicros}
	case oid == OIDTimestamptz:
		c := Conversion{kind: kindTimestamptz, digits: 6}
		if typeMod >= 0 && typeMod < 6 {
			c.digits = int(typeMod)
		}
		return c
	case oid == OIDTimetz:
		return Conversion{kind: kindTimetz}
	case oid == OIDInterval:
		return Conversion{kind: kindInterval}
	}
	return Conversion{kind: kindText}
}

// Append appends the text made from Postgres' text. It says false when that is
// not in the form expected; what it appended is then of no use.
func (c Conversion) Append(dst, src []byte) ([]byte, bool) {
	if c.array {
		return c.appendArray(dst, src)
	}
	return c.appendScalar(dst, src)
}

func (c Conversion) appendScalar(dst, src []byte) ([]byte, bool) {
	switch c.kind {
	case kindText, kindNumber, kindNumeric:
		return append(dst, src...), true
	case kindBool:
		return appendBool(dst, src, 't', 'f')
	case kindBit:
		return appendBool(dst, src, '1', '0')
	case kindDate, kindMicros, kindMillis, kindTimestamptz:
		return c.appendMoment(dst, src)
	case kindTimeMicros, kindTimeMillis, kindTimetz:
		return c.appendTime(dst, src)
	case kindInterval:
		return appendInterval(dst, src)
	case kindFloat32:
		return appendJavaFloat(dst, src, 32)
	case kindFloat64:
		return appendJavaFloat(dst, src, 64)
	case kindDecimal:
		return appendDecimal(dst, src)
	case kindBytea, kindBase64, kindBase64URL, kindHex, kindRawBytea:
		return c.appendBinary(dst, src)
	case kindBits:
		return appendBits(dst, src)
	case kindMoney:
		return appendMoney(dst, src)
	case kindPoint:
		return appendPoint(dst, src)
	}
	return dst, false
}

// quoted reports whether an element of an array stands in quotes.
func (k kind) quoted() bool {
	switch k {
	case kindText, kindTimestamptz, kindTimetz, kindBytea, kindBase64, kindBase64URL, kindHex, kindBits:
		return true
	default:
		return false
	}
}

// String names the type in messages.
func (k kind) String() string {
	switch k {
	case kindText, kindNumber, kindNumeric:
		return "text"
	case kindBool:
		return "boolean"
	case kindDate:
		return "date"
	case kindMicros, kindMillis:
		return "timestamp"
	case kindTimestamptz:
		return "timestamptz"
	case kindTimeMicros, kindTimeMillis:
		return "time"
	case kindTimetz:
		return "timetz"
	case kindInterval:
		return "interval"
	case kindFloat32:
		return "real"
	case kindFloat64:
		return "double precision"
	case kindDecimal:
		return "numeric"
	case kindBytea, kindBase64, kindBase64URL, kindHex, kindRawBytea:
		return "bytea"
	case kindBit, kindBits:
		return "bit"
	case kindMoney:
		return "money"
	case kindPoint:
		return "point"
	}
	return "kind " + strconv.Itoa(int(k))
}

// appendBool reads a text of one character.
func appendBool(dst, src []byte, yes, no byte) ([]byte, bool) {
	if len(src) != 1 {
		return dst, false
	}
	switch src[0] {
	case yes:
		return append(dst, "true"...), true
	case no:
		return append(dst, "false"...), true
	}
	return dst, false
}
