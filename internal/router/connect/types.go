package connect

import (
	"strconv"
	"strings"

	"github.com/walpost/walpost/internal/router/debezium"
)

// The names that Debezium gives to types of its own begin with prefix.
const (
	prefix   = "io.debezium."
	jsonType = "data.Json"
)

// typeOf returns the schema of a type that is no array, as a required one.
func typeOf(oid uint32, typeMod int32, binary debezium.Binary, types map[uint32]debezium.TypeInfo) schema {
	switch oid {
	case debezium.OIDBool:
		return schema{kind: typeBoolean}
	case debezium.OIDInt2:
		return schema{kind: typeInt16}
	case debezium.OIDInt4:
		return schema{kind: typeInt32}
	case debezium.OIDInt8, debezium.OIDOID:
		return schema{kind: typeInt64}
	case debezium.OIDFloat4:
		return schema{kind: typeFloat}
	case debezium.OIDFloat8:
		return schema{kind: typeDouble}
	case debezium.OIDBytea:
		if binary != debezium.BinaryBytes {
			return schema{kind: typeString}
		}
		return schema{kind: typeBytes}
	case debezium.OIDNumeric:
		return numeric(typeMod)
	case debezium.OIDMoney:
		return decimal(parameter{"scale", "2"})
	case debezium.OIDBit, debezium.OIDVarbit:
		return bits(typeMod)
	case debezium.OIDPoint:
		return point()
	}
	if s := temporal(oid, typeMod); s.kind != "" {
		return s
	}
	return stringType(oid, types)
}

// logical returns a type of Debezium's.
func logical(kind, name string) schema {
	return schema{kind: kind, name: prefix + name, version: 1}
}

// stringType returns the schema of a type whose value is a text.
func stringType(oid uint32, types map[uint32]debezium.TypeInfo) schema {
	switch oid {
	case debezium.OIDUUID:
		return logical(typeString, "data.Uuid")
	case debezium.OIDJSON, debezium.OIDJSONB:
		return logical(typeString, jsonType)
	case debezium.OIDXML:
		return logical(typeString, "data.Xml")
	case debezium.OIDTsvector:
		return logical(typeString, "data.Tsvector")
	}
	info := types[oid]
	switch {
	case info.Kind == 'e':
		s := logical(typeString, "data.Enum")
		s.parameters = []parameter{{"allowed", strings.Join(info.Labels, ",")}}
		return s
	case info.Name == "ltree":
		return logical(typeString, "data.Ltree")
	default:
		return schema{kind: typeString}
	}
}

// temporal returns the schema of a date or time, {} for other types.
func temporal(oid uint32, typeMod int32) schema {
	millis := typeMod >= 0 && typeMod <= 3
	switch {
	case oid == debezium.OIDDate:
		return logical(typeInt32, "time.Date")
	case oid == debezium.OIDTime && millis:
		return logical(typeInt32, "time.Time")
	case oid == debezium.OIDTime:
		return logical(typeInt64, "time.MicroTime")
	case oid == debezium.OIDTimestamp && millis:
		return logical(typeInt64, "time.Timestamp")
	case oid == debezium.OIDTimestamp:
		return logical(typeInt64, "time.MicroTimestamp")
	case oid == debezium.OIDTimestamptz:
		return logical(typeString, "time.ZonedTimestamp")
	case oid == debezium.OIDTimetz:
		return logical(typeString, "time.ZonedTime")
	case oid == debezium.OIDInterval:
		return logical(typeInt64, "time.MicroDuration")
	}
	return schema{}
}

// numeric returns the schema of numeric(p,s), or of a numeric without a scale.
func numeric(typeMod int32) schema {
	precision, scale, ok := debezium.NumericModifier(typeMod)
	if !ok {
		s := logical(typeStruct, "data.VariableScaleDecimal")
		s.doc = "Variable scaled decimal"
		s.fields = []field{{"scale", schema{kind: typeInt32}}, {"value", schema{kind: typeBytes}}}
		return s
	}
	return decimal(parameter{"scale", strconv.Itoa(scale)}, parameter{"connect.decimal.precision", strconv.Itoa(precision)})
}

func decimal(parameters ...parameter) schema {
	return schema{kind: typeBytes, name: "org.apache.kafka.connect.data.Decimal", version: 1, parameters: parameters}
}

// bits returns the schema of a bit string: a boolean where it has one bit.
func bits(length int32) schema {
	if length == 1 {
		return schema{kind: typeBoolean}
	}
	if length < 0 {
		length = 1<<31 - 1 // as pgjdbc names "any"
	}
	s := logical(typeBytes, "data.Bits")
	s.parameters = []parameter{{"length", strconv.Itoa(int(length))}}
	return s
}

func point() schema {
	s := logical(typeStruct, "data.geometry.Point")
	s.doc = "Geometry (POINT)"
	s.fields = []field{
		{"x", schema{kind: typeDouble}},
		{"y", schema{kind: typeDouble}},
		{"wkb", schema{kind: typeBytes, optional: true}},
		{"srid", schema{kind: typeInt32, optional: true}},
	}
	return s
}
