package debezium

import "strconv"

// OIDs of the built-in types whose text is not simply taken over, and of those
// that are named in messages. They are fixed for all versions (pg_type.dat).
const (
	OIDBool        = 16
	OIDBytea       = 17
	OIDInt8        = 20
	OIDInt2        = 21
	OIDInt4        = 23
	OIDText        = 25
	OIDOID         = 26
	OIDJSON        = 114
	OIDXML         = 142
	OIDPoint       = 600
	OIDLseg        = 601
	OIDPath        = 602
	OIDBox         = 603
	OIDPolygon     = 604
	OIDLine        = 628
	OIDFloat4      = 700
	OIDFloat8      = 701
	OIDCircle      = 718
	OIDMoney       = 790
	OIDBpchar      = 1042
	OIDVarchar     = 1043
	OIDDate        = 1082
	OIDTime        = 1083
	OIDTimestamp   = 1114
	OIDTimestamptz = 1184
	OIDInterval    = 1186
	OIDTimetz      = 1266
	OIDBit         = 1560
	OIDVarbit      = 1562
	OIDNumeric     = 1700
	OIDUUID        = 2950
	OIDTsvector    = 3614
	OIDJSONB       = 3802

	firstUserOID = 16384 // FirstNormalObjectId: types from here on are not built in
)

// ElementOf returns the element type of a built-in array type, 0 for others. The list is
// pg_type.dat's: an array's OID tells nothing by itself. It is asked when a relation is
// planned, never for a row.
func ElementOf(oid uint32) uint32 {
	elements := [...]uint16{ // by the array's OID
		1000: OIDBool, 1001: OIDBytea, 1002: 18 /* "char" */, 1003: 19 /* name */, 1009: OIDText, 1014: OIDBpchar, 1015: OIDVarchar,
		1005: OIDInt2, 1007: OIDInt4, 1016: OIDInt8, 1231: OIDNumeric, 1021: OIDFloat4, 1022: OIDFloat8, 791: OIDMoney,
		1182: OIDDate, 1183: OIDTime, 1270: OIDTimetz, 1115: OIDTimestamp, 1185: OIDTimestamptz, 1187: OIDInterval,
		1561: OIDBit, 1563: OIDVarbit, 2951: OIDUUID, 199: OIDJSON, 3807: OIDJSONB, 143: OIDXML, 3643: OIDTsvector,
		1017: OIDPoint, 1018: OIDLseg, 1019: OIDPath, 1027: OIDPolygon, 629: OIDLine, 719: OIDCircle,
		651: 650 /* cidr */, 1041: 869 /* inet */, 1040: 829 /* macaddr */, 775: 774, /* macaddr8 */
		1028: OIDOID, 271: 5069 /* xid8 */, 3221: 3220, /* pg_lsn */
		3905: 3904, 3907: 3906, 3909: 3908, 3911: 3910, 3913: 3912, 3927: 3926, // ranges
	}
	if int64(oid) < int64(len(elements)) {
		return uint32(elements[oid])
	}
	return 0
}

// TypeName is the name of a type for messages: SQL's where it is one that a
// message of this package is likely to name, else the OID.
func TypeName(oid uint32) string {
	if e := ElementOf(oid); e != 0 {
		return TypeName(e) + "[]"
	}
	if name := builtinName(oid); name != "" {
		return name
	}
	return "with OID " + strconv.FormatUint(uint64(oid), 10)
}

func builtinName(oid uint32) string {
	switch oid {
	case OIDBool:
		return "boolean"
	case OIDBytea:
		return "bytea"
	case OIDInt8:
		return "bigint"
	case OIDInt2:
		return "smallint"
	case OIDInt4:
		return "integer"
	case OIDText:
		return "text"
	case OIDVarchar:
		return "varchar"
	case OIDBpchar:
		return "char"
	case OIDJSON:
		return "json"
	case OIDJSONB:
		return "jsonb"
	case OIDUUID:
		return "uuid"
	case OIDNumeric:
		return "numeric"
	case OIDFloat4:
		return "real"
	case OIDFloat8:
		return "double precision"
	case OIDDate:
		return "date"
	case OIDTime:
		return "time"
	case OIDTimetz:
		return "timetz"
	case OIDTimestamp:
		return "timestamp"
	case OIDTimestamptz:
		return "timestamptz"
	case OIDInterval:
		return "interval"
	}
	return geometricName(oid)
}

func geometricName(oid uint32) string {
	switch oid {
	case OIDPoint:
		return "point"
	case OIDLseg:
		return "lseg"
	case OIDPath:
		return "path"
	case OIDBox:
		return "box"
	case OIDPolygon:
		return "polygon"
	case OIDLine:
		return "line"
	case OIDCircle:
		return "circle"
	}
	return ""
}
