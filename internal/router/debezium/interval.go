package debezium

import (
	"bytes"
	"strconv"
)

// Debezium counts a month as 365.25/12 days.
const (
	microsPerDay   = secondsPerDay * microsPerSecond
	microsPerMonth = 2_629_800 * microsPerSecond
)

// appendInterval reads an interval under IntervalStyle postgres, as
// "-1 years -2 mons +3 days -04:05:06.789", and appends its microseconds.
// Unlike Debezium, which counts in double precision, it counts exactly.
func appendInterval(dst, src []byte) ([]byte, bool) {
	if Infinite(src) {
		return append(dst, src...), true
	}
	var total int64
	if len(src) == 0 {
		return dst, false
	}
	for len(src) > 0 {
		var field []byte
		field, src, _ = bytes.Cut(src, []byte(" "))
		if bytes.IndexByte(field, ':') >= 0 {
			micros, ok := parseSignedClock(field)
			if !ok || len(src) > 0 || !addInto(&total, micros, 1) {
				return dst, false
			}
			break
		}
		n, ok := ParseInt(bytes.TrimPrefix(field, []byte("+")))
		if !ok {
			return dst, false
		}
		field, src, _ = bytes.Cut(src, []byte(" "))
		unit := intervalUnit(field)
		if unit == 0 || !addInto(&total, n, unit) {
			return dst, false
		}
	}
	return strconv.AppendInt(dst, total, 10), true
}

// intervalUnit returns the microseconds of a unit, 0 for a word that is none.
func intervalUnit(word []byte) int64 {
	switch string(bytes.TrimSuffix(word, []byte("s"))) {
	case "year":
		return 12 * microsPerMonth
	case "mon":
		return microsPerMonth
	case "day":
		return microsPerDay
	}
	return 0
}

// parseSignedClock reads [±]hours:minutes:seconds[.fraction] with any number of
// hours, in microseconds.
func parseSignedClock(s []byte) (int64, bool) {
	sign := int64(1)
	if len(s) > 0 && (s[0] == '-' || s[0] == '+') {
		if s[0] == '-' {
			sign = -1
		}
		s = s[1:]
	}
	hours, rest, ok := bytes.Cut(s, []byte(":"))
	if !ok || len(rest) < 5 || rest[2] != ':' {
		return 0, false
	}
	h, ok1 := ParseInt(hours)
	m, ok2 := ParseInt(rest[:2])
	sec, ok3 := ParseInt(rest[3:5])
	fraction, ok4 := parseFraction(rest[5:])
	if !ok1 || !ok2 || !ok3 || !ok4 || h < 0 || m < 0 || sec < 0 {
		return 0, false
	}
	var total int64
	if !addInto(&total, h, 3600*microsPerSecond) || !addInto(&total, (m*60+sec)*microsPerSecond+fraction, 1) {
		return 0, false
	}
	return sign * total, true
}

// addInto adds n units, and reports whether the sum fits into an int64.
func addInto(total *int64, n, unit int64) bool {
	product := n * unit
	if unit != 0 && product/unit != n {
		return false
	}
	sum := *total + product
	if (sum > *total) != (product > 0) && product != 0 {
		return false
	}
	*total = sum
	return true
}
