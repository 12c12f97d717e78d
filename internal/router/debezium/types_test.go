package debezium

import (
	"testing"

	"github.com/jackc/pgx/v5/pgtype"
)

// The constants stand here because the router imports the standard library alone. They are
// those of pg_type.dat, as pgtype has them too (but for money, which it does not know).
func TestOIDsAreThoseOfPgtype(t *testing.T) {
	t.Parallel()
	for name, oid := range map[string]struct{ ours, pgtypes uint32 }{
		"Bool":        {OIDBool, pgtype.BoolOID},
		"Bytea":       {OIDBytea, pgtype.ByteaOID},
		"Int8":        {OIDInt8, pgtype.Int8OID},
		"Int2":        {OIDInt2, pgtype.Int2OID},
		"Int4":        {OIDInt4, pgtype.Int4OID},
		"Text":        {OIDText, pgtype.TextOID},
		"OID":         {OIDOID, pgtype.OIDOID},
		"JSON":        {OIDJSON, pgtype.JSONOID},
		"Point":       {OIDPoint, pgtype.PointOID},
		"Lseg":        {OIDLseg, pgtype.LsegOID},
		"Path":        {OIDPath, pgtype.PathOID},
		"Box":         {OIDBox, pgtype.BoxOID},
		"Polygon":     {OIDPolygon, pgtype.PolygonOID},
		"Line":        {OIDLine, pgtype.LineOID},
		"Float4":      {OIDFloat4, pgtype.Float4OID},
		"Float8":      {OIDFloat8, pgtype.Float8OID},
		"Circle":      {OIDCircle, pgtype.CircleOID},
		"Bpchar":      {OIDBpchar, pgtype.BPCharOID},
		"Varchar":     {OIDVarchar, pgtype.VarcharOID},
		"Date":        {OIDDate, pgtype.DateOID},
		"Time":        {OIDTime, pgtype.TimeOID},
		"Timestamp":   {OIDTimestamp, pgtype.TimestampOID},
		"Timestamptz": {OIDTimestamptz, pgtype.TimestamptzOID},
		"Interval":    {OIDInterval, pgtype.IntervalOID},
		"Timetz":      {OIDTimetz, pgtype.TimetzOID},
		"Bit":         {OIDBit, pgtype.BitOID},
		"Varbit":      {OIDVarbit, pgtype.VarbitOID},
		"Numeric":     {OIDNumeric, pgtype.NumericOID},
		"UUID":        {OIDUUID, pgtype.UUIDOID},
		"JSONB":       {OIDJSONB, pgtype.JSONBOID},
	} {
		if oid.ours != oid.pgtypes {
			t.Errorf("OID%s is %d, pgtype has %d", name, oid.ours, oid.pgtypes)
		}
	}
}
