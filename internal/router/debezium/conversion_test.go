package debezium

import (
	"math"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The texts of Debezium were measured with Debezium 3.7 and Kafka Connect 4.3, those of
// Java were computed with the JDK.
func TestTextOfAColumn(t *testing.T) {
	const none = -1
	cases := []struct {
		name     string
		oid      uint32
		typeMod  int32
		postgres string
		want     string
	}{
		{"text", OIDText, none, " q\"uo\\te é 😀 \n", " q\"uo\\te é 😀 \n"},
		{"char(n) keeps its blanks", OIDBpchar, 9, "ab   ", "ab   "},
		{"uuid", OIDUUID, none, "0199d3c1-7b1a-7a34-9d4e-2f1f4f0f8a55", "0199d3c1-7b1a-7a34-9d4e-2f1f4f0f8a55"},
		{"numeric(10,2)", OIDNumeric, 10<<16 + 2 + 4, "12.50", "12.50"},
		{"jsonb", OIDJSONB, none, `{"a": 2}`, `{"a": 2}`},
		{"int8", OIDInt8, none, "-9223372036854775808", "-9223372036854775808"},

		{"true", OIDBool, none, "t", "true"},
		{"false", OIDBool, none, "f", "false"},

		{"date", OIDDate, none, "2026-01-01", "20454"},
		{"date before 1970", OIDDate, none, "1969-12-31", "-1"},
		{"date BC", OIDDate, none, "0001-12-31 BC", "-719163"},
		{"last date", OIDDate, none, "5874897-12-31", "2145042905"},
		{"infinite date", OIDDate, none, "infinity", "infinity"},

		{"timestamp", OIDTimestamp, none, "2026-01-01 00:00:00.123456", "1767225600123456"},
		{"timestamp before 1970", OIDTimestamp, none, "1969-12-31 23:59:59.9985", "-1500"},
		{"timestamp(6)", OIDTimestamp, 6, "2026-01-01 00:00:00", "1767225600000000"},
		{"timestamp(4)", OIDTimestamp, 4, "2026-01-01 00:00:00.1235", "1767225600123500"},
		{"timestamp(3)", OIDTimestamp, 3, "2026-01-01 00:00:00.123", "1767225600123"},
		{"timestamp(0)", OIDTimestamp, 0, "2026-01-01 00:00:00", "1767225600000"},
		{"first timestamp", OIDTimestamp, none, "4714-11-24 00:00:00 BC", "-210866803200000000"},
		{"last timestamp", OIDTimestamp, none, "294276-12-31 23:59:59.999999", "9224318015999999999"},
		{"infinite timestamp", OIDTimestamp, none, "-infinity", "-infinity"},

		{"timestamptz", OIDTimestamptz, none, "2026-01-01 00:00:00.123456+00", "2026-01-01T00:00:00.123456Z"},
		{"timestamptz pads", OIDTimestamptz, none, "2026-06-01 00:00:00+00", "2026-06-01T00:00:00.000000Z"},
		{"timestamptz(3)", OIDTimestamptz, 3, "2026-01-01 00:00:00.12+00", "2026-01-01T00:00:00.120Z"},
		{"timestamptz(0)", OIDTimestamptz, 0, "2026-01-01 00:00:00+00", "2026-01-01T00:00:00Z"},
		{"timestamptz of another zone", OIDTimestamptz, 0, "2026-01-01 05:30:00+05:30", "2026-01-01T00:00:00Z"},
		{"timestamptz west of UTC", OIDTimestamptz, 0, "2025-12-31 16:07:02-07:52:58", "2026-01-01T00:00:00Z"},
		{"timestamptz BC", OIDTimestamptz, 1, "0044-03-15 01:02:03.5+00 BC", "-0043-03-15T01:02:03.5Z"},
		{"timestamptz of the year before 1", OIDTimestamptz, 0, "0001-12-31 01:02:00+00 BC", "0000-12-31T01:02:00Z"},
		{"timestamptz beyond 9999", OIDTimestamptz, 0, "12026-03-15 01:02:03+00", "+12026-03-15T01:02:03Z"},
		{"infinite timestamptz", OIDTimestamptz, none, "infinity", "infinity"},

		{"time", OIDTime, none, "23:59:59.123456", "86399123456"},
		{"end of the day", OIDTime, none, "24:00:00", "86400000000"},
		{"time(3)", OIDTime, 3, "23:59:59.123", "86399123"},
		{"timetz", OIDTimetz, none, "23:59:59.1+02", "21:59:59.1Z"},
		{"timetz of the day before", OIDTimetz, none, "01:00:00+02", "23:00:00Z"},

		{"interval", OIDInterval, none, "1 year 2 mons 3 days 04:05:06.7", "37091106700000"},
		{"negative interval", OIDInterval, none, "-1 years -2 mons +3 days -04:05:06.7", "-36572706700000"},
		{"interval of hours", OIDInterval, none, "100:00:00", "360000000000"},
		{"interval of a month", OIDInterval, none, "1 mon", "2629800000000"},
		{"interval of nothing", OIDInterval, none, "00:00:00", "0"},
		{"infinite interval", OIDInterval, none, "infinity", "infinity"},

		{"numeric", OIDNumeric, none, "12.5", `{"scale":1,"value":"fQ=="}`},
		{"negative numeric", OIDNumeric, none, "-0.01", `{"scale":2,"value":"/w=="}`},
		{"numeric with zeros at the end", OIDNumeric, none, "0.500", `{"scale":1,"value":"BQ=="}`},
		{"whole numeric", OIDNumeric, none, "1200", `{"scale":0,"value":"BLA="}`},
		{"numeric 0", OIDNumeric, none, "0", `{"scale":0,"value":"AA=="}`},
		{"numeric -128", OIDNumeric, none, "-128", `{"scale":0,"value":"gA=="}`},
		{"numeric 128", OIDNumeric, none, "128", `{"scale":0,"value":"AIA="}`},
		{"numeric of 8 bytes", OIDNumeric, none, "-9223372036854775808", `{"scale":0,"value":"gAAAAAAAAAA="}`},
		{"large numeric", OIDNumeric, none, "99999999999999999999", `{"scale":0,"value":"BWvHXi1jD///"}`},
		{"large negative numeric", OIDNumeric, none, "-99999999999999999999", `{"scale":0,"value":"+pQ4odKc8AAB"}`},
		{"numeric NaN", OIDNumeric, none, "NaN", "NaN"},

		{"bytea", OIDBytea, none, `\x0001ff`, "AAH/"},
		{"empty bytea", OIDBytea, none, `\x`, ""},
		{"bit(1)", OIDBit, 1, "1", "true"},
		{"bit(1) 0", OIDBit, 1, "0", "false"},
		{"bit(3)", OIDBit, 3, "101", "BQ=="},
		{"bit(10)", OIDBit, 10, "1000000001", "AQI="},
		{"bit(16) with zeros at the high end", OIDBit, 16, "0000000000000001", "AQ=="},
		{"varbit", OIDVarbit, none, "101", "BQ=="},
		{"empty varbit", OIDVarbit, none, "", ""},
		{"money", OIDMoney, none, "$12.50", "12.50"},
		{"negative money", OIDMoney, none, "-$1,234,567.89", "-1234567.89"},
		{"point", OIDPoint, none, "(1,2)", `{"x":1.0,"y":2.0,"wkb":"AQEAAAAAAAAAAADwPwAAAAAAAABA","srid":null}`},

		{"text[]", 1009, none, `{a,"b\"c",NULL}`, `["a","b\"c",null]`},
		{"text[] of the word", 1009, none, `{"NULL","","x y"}`, `["NULL","","x y"]`},
		{"text[] with backslash", 1009, none, `{"a\\b"}`, `["a\\b"]`},
		{"int[]", 1007, none, "{1,2,NULL}", "[1,2,null]"},
		{"empty array", 1007, none, "{}", "[]"},
		{"int[][]", 1007, none, "{{1,2},{3,4}}", "[[1,2],[3,4]]"},
		{"int[] with bounds", 1007, none, "[0:1]={1,2}", "[1,2]"},
		{"bool[]", 1000, none, "{t,f,NULL}", "[true,false,null]"},
		{"timestamptz[]", 1185, 0, `{"2026-01-01 00:00:00+00"}`, `["2026-01-01T00:00:00Z"]`},
		{"timestamp[]", 1115, none, `{"2026-01-01 00:00:00"}`, `[1767225600000000]`},
		{"bytea[]", 1001, none, `{"\\x0001ff"}`, `["AAH/"]`},
		{"numeric(10,2)[]", 1231, 10<<16 + 2 + 4, "{12.50}", "[12.50]"},
		{"numeric[]", 1231, none, "{12.5}", `[{"scale":1,"value":"fQ=="}]`},
		{"double[]", 1022, none, "{1,10000000000}", "[1.0,1.0E10]"},

		{"type that is not built in", 16400, none, "happy", "happy"},
		{"range", 3912, none, "[2026-01-01,2026-02-01)", "[2026-01-01,2026-02-01)"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			conv := ConversionOf(c.oid, c.typeMod)
			got, ok := conv.Append([]byte("before"), []byte(c.postgres))
			if !ok {
				t.Fatalf("%q refused", c.postgres)
			}
			if string(got) != "before"+c.want {
				t.Errorf("%q gave %q, want %q", c.postgres, got[len("before"):], c.want)
			}
			if conv.Verbatim() && c.want != c.postgres {
				t.Error("taken for verbatim")
			}
		})
	}
}

// Text of another session's settings is refused, not guessed at.
func TestTextOfOtherSettings(t *testing.T) {
	for _, c := range []struct {
		oid  uint32
		text string
	}{
		{OIDBool, "true"},
		{OIDDate, "01.01.2026"},
		{OIDDate, "2026-13-01"},
		{OIDTimestamp, "01.01.2026 09:00:00"},
		{OIDTimestamp, "2026-01-01 9:00"},
		{OIDTimestamp, "2026-01-01 00:00:00.1234567"},
		{OIDTimestamptz, "2026-01-01 09:00:00 JST"},
		{OIDTime, "noon"},
		{OIDInterval, "P1Y2M"},
		{OIDInterval, "1 2:00:00"},
		{OIDInterval, "1 fortnight"},
		{OIDInterval, ""},
		{OIDBytea, `\000\377`},
		{OIDBytea, `\x0`},
		{OIDBit, "2"},
		{OIDNumeric, "1e5"},
		{OIDNumeric, "-"},
		{OIDMoney, "12,50 €"},
		{OIDPoint, "1,2"},
		{OIDFloat8, "1,5"},
		{1007, "1,2"},
		{1007, "{1,2"},
		{1007, "{1,2}}"},
		{1007, "{{{{{{{1}}}}}}}"},
		{1009, `{"a}`},
		{1009, `{,}`},
		{1000, "{true}"},
	} {
		if got, ok := ConversionOf(c.oid, -1).Append(nil, []byte(c.text)); ok {
			t.Errorf("%s %q gave %q, want it refused", TypeName(c.oid), c.text, got)
		}
	}
}

func TestJavaFloats(t *testing.T) {
	for _, c := range []struct {
		oid            uint32
		postgres, want string
	}{
		{OIDFloat4, "1.6777216e+07", "1.6777216E7"},
		{OIDFloat4, "1e+10", "1.0E10"},
		{OIDFloat4, "100", "100.0"},
		{OIDFloat4, "1.5", "1.5"},
		{OIDFloat4, "0.1", "0.1"},
		{OIDFloat4, "0.001", "0.001"},
		{OIDFloat4, "1e-45", "1.4E-45"},
		{OIDFloat4, "3.4028235e+38", "3.4028235E38"},
		{OIDFloat4, "1.1754944e-38", "1.1754944E-38"},
		{OIDFloat8, "10000000000", "1.0E10"},
		{OIDFloat8, "100", "100.0"},
		{OIDFloat8, "NaN", "NaN"},
		{OIDFloat8, "Infinity", "Infinity"},
		{OIDFloat8, "-Infinity", "-Infinity"},
		{OIDFloat8, "0", "0.0"},
		{OIDFloat8, "-0", "-0.0"},
		{OIDFloat8, "0.001", "0.001"},
		{OIDFloat8, "0.0009999", "9.999E-4"},
		{OIDFloat8, "9999999", "9999999.0"},
		{OIDFloat8, "10000000", "1.0E7"},
		{OIDFloat8, "100000000.5", "1.000000005E8"},
		{OIDFloat8, "1e-05", "1.0E-5"},
		{OIDFloat8, "1.7976931348623157e+308", "1.7976931348623157E308"},
		{OIDFloat8, "2.2250738585072014e-308", "2.2250738585072014E-308"},
		{OIDFloat8, "9007199254740992", "9.007199254740992E15"},
		// Where JDK 19 and later differ from 17, these are the later ones.
		{OIDFloat8, "2e+23", "2.0E23"},
		{OIDFloat8, "1e+23", "1.0E23"},
		{OIDFloat8, "5e-324", "4.9E-324"},
		{OIDFloat8, "1e-323", "9.9E-324"},
	} {
		got, ok := ConversionOf(c.oid, -1).Append(nil, []byte(c.postgres))
		if !ok || string(got) != c.want {
			t.Errorf("%s %s gave %q, %v, want %q", TypeName(c.oid), c.postgres, got, ok, c.want)
		}
	}
}

// Whatever the form, the number comes back the same.
func TestJavaFloatsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := math.Float64frombits(rapid.Uint64().Draw(t, "bits"))
		text, ok := appendJavaFloat(nil, strconv.AppendFloat(nil, f, 'g', -1, 64), 64)
		back, err := strconv.ParseFloat(string(text), 64)
		if !ok || err != nil || math.Float64bits(back) != math.Float64bits(f) && !math.IsNaN(f) {
			t.Fatalf("%v printed %q, back %v, %v", f, text, back, err)
		}
	})
}

func TestCalendarAgreesWithTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		days := rapid.Int64Range(-2_500_000, 100_000_000).Draw(t, "days")
		year, month, day := civilFromDays(days)
		want := time.Unix(days*secondsPerDay, 0).UTC()
		if int(year) != want.Year() || int(month) != int(want.Month()) || int(day) != want.Day() {
			t.Fatalf("day %d is %d-%d-%d, want %v", days, year, month, day, want)
		}
		if back := daysFromCivil(year, month, day); back != days {
			t.Fatalf("%d-%d-%d is day %d, want %d", year, month, day, back, days)
		}
	})
}

func TestTimestampsAgreeWithTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		micros := rapid.Int64Range(-62135596800000000, 253402300799999999).Draw(t, "micros") // years 1 to 9999
		at := time.UnixMicro(micros).UTC()
		m, ok := parseMoment([]byte(at.Format("2006-01-02 15:04:05.999999")))
		if !ok {
			t.Fatalf("%v refused", at)
		}
		if got := string(m.appendMicros(nil)); got != strconv.FormatInt(micros, 10) {
			t.Fatalf("%v gave %s µs, want %d", at, got, micros)
		}
		if m.millis() != micros/1000 {
			t.Fatalf("%v gave %d ms, want %d", at, m.millis(), micros/1000)
		}
		if got := string(m.appendISO(nil, 6)); got != at.Format("2006-01-02T15:04:05.000000Z") {
			t.Fatalf("%v gave %s", at, got)
		}
	})
}
