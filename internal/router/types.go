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
// list is pg_type.dat's: an array's OID tells nothing by itself.
func elementOf(oid uint32) uint32 {
	switch oid {
	case 143: // xml[]
		return 142
	case 199:
		return oidJSON
	case 271: // xid8[]
		return 5069
	case 629:
		return oidLine
	case 651: // cidr[]
		return 650
	case 719:
		return oidCircle
	case 775: // macaddr8[]
		return 774
	case 791:
		return oidMoney
	case 1000:
		return oidBool
	case 1001:
		return oidBytea
	case 1002: // "char"[]
		return 18
	case 1003: // name[]
		return 19
	case 1005:
		return oidInt2
	case 1007:
		return oidInt4
	case 1009:
		return oidText
	case 1014:
		return oidBpchar
	case 1015:
		return oidVarchar
	case 1016:
		return oidInt8
	case 1017:
		return oidPoint
	case 1018:
		return oidLseg
	case 1019:
		return oidPath
	case 1027:
		return oidPolygon
	case 1021:
		return oidFloat4
	case 1022:
		return oidFloat8
	case 1028:
		return oidOID
	case 1040: // macaddr[]
		return 829
	case 1041: // inet[]
		return 869
	case 1115:
		return oidTimestamp
	case 1182:
		return oidDate
	case 1183:
		return oidTime
	case 1185:
		return oidTimestamptz
	case 1187:
		return oidInterval
	case 1231:
		return oidNumeric
	case 1270:
		return oidTimetz
	case 1561:
		return oidBit
	case 1563:
		return oidVarbit
	case 2951:
		return oidUUID
	case 3221: // pg_lsn[]
		return 3220
	case 3643: // tsvector[]
		return 3614
	case 3807:
		return oidJSONB
	case 3905, 3907, 3909, 3911, 3913, 3927: // arrays of ranges: each follows its element
		return oid - 1
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
