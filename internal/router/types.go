package router

import "strconv"

// OIDs of the built-in types whose text is not simply taken over, and of those
// that are named in messages. They are fixed for all versions (pg_type.dat).
const (
	oidBool        = 16
	oidBytea       = 17
	oidInt8        = 20
	oidInt2        = 21
	oidInt4        = 23
	oidText        = 25
	oidOID         = 26
	oidJSON        = 114
	oidPoint       = 600
	oidLseg        = 601
	oidPath        = 602
	oidBox         = 603
	oidPolygon     = 604
	oidLine        = 628
	oidFloat4      = 700
	oidFloat8      = 701
	oidCircle      = 718
	oidMoney       = 790
	oidBpchar      = 1042
	oidVarchar     = 1043
	oidDate        = 1082
	oidTime        = 1083
	oidTimestamp   = 1114
	oidTimestamptz = 1184
	oidInterval    = 1186
	oidTimetz      = 1266
	oidBit         = 1560
	oidVarbit      = 1562
	oidNumeric     = 1700
	oidUUID        = 2950
	oidJSONB       = 3802

	firstUserOID = 16384 // FirstNormalObjectId: types from here on are not built in
)

// elementOf gives the element type of a built-in array type, 0 for others. The
// list is pg_type.dat's: an array's OID tells nothing by itself. It is asked when
// a relation is planned, never for a row.
func elementOf(oid uint32) uint32 {
	elements := [...]uint16{ // by the array's OID
		1000: oidBool, 1001: oidBytea, 1002: 18 /* "char" */, 1003: 19 /* name */, 1009: oidText, 1014: oidBpchar, 1015: oidVarchar,
		1005: oidInt2, 1007: oidInt4, 1016: oidInt8, 1231: oidNumeric, 1021: oidFloat4, 1022: oidFloat8, 791: oidMoney,
		1182: oidDate, 1183: oidTime, 1270: oidTimetz, 1115: oidTimestamp, 1185: oidTimestamptz, 1187: oidInterval,
		1561: oidBit, 1563: oidVarbit, 2951: oidUUID, 199: oidJSON, 3807: oidJSONB, 143: 142 /* xml */, 3643: 3614, /* tsvector */
		1017: oidPoint, 1018: oidLseg, 1019: oidPath, 1027: oidPolygon, 629: oidLine, 719: oidCircle,
		651: 650 /* cidr */, 1041: 869 /* inet */, 1040: 829 /* macaddr */, 775: 774, /* macaddr8 */
		1028: oidOID, 271: 5069 /* xid8 */, 3221: 3220, /* pg_lsn */
		3905: 3904, 3907: 3906, 3909: 3908, 3911: 3910, 3913: 3912, 3927: 3926, // ranges
	}
	if int64(oid) < int64(len(elements)) {
		return uint32(elements[oid])
	}
	return 0
}

// typeName is the name of a type for messages: SQL's where it is one that a
// message of this package is likely to name, else the OID.
func typeName(oid uint32) string {
	if e := elementOf(oid); e != 0 {
		return typeName(e) + "[]"
	}
	if name := builtinName(oid); name != "" {
		return name
	}
	return "with OID " + strconv.FormatUint(uint64(oid), 10)
}

func builtinName(oid uint32) string {
	switch oid {
	case oidBool:
		return "boolean"
	case oidBytea:
		return "bytea"
	case oidInt8:
		return "bigint"
	case oidInt2:
		return "smallint"
	case oidInt4:
		return "integer"
	case oidText:
		return "text"
	case oidVarchar:
		return "varchar"
	case oidBpchar:
		return "char"
	case oidJSON:
		return "json"
	case oidJSONB:
		return "jsonb"
	case oidUUID:
		return "uuid"
	case oidNumeric:
		return "numeric"
	case oidFloat4:
		return "real"
	case oidFloat8:
		return "double precision"
	case oidDate:
		return "date"
	case oidTime:
		return "time"
	case oidTimetz:
		return "timetz"
	case oidTimestamp:
		return "timestamp"
	case oidTimestamptz:
		return "timestamptz"
	case oidInterval:
		return "interval"
	}
	return geometricName(oid)
}

func geometricName(oid uint32) string {
	switch oid {
	case oidPoint:
		return "point"
	case oidLseg:
		return "lseg"
	case oidPath:
		return "path"
	case oidBox:
		return "box"
	case oidPolygon:
		return "polygon"
	case oidLine:
		return "line"
	case oidCircle:
		return "circle"
	}
	return ""
}
