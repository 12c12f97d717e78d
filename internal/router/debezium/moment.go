package debezium

import (
	"bytes"
	"strconv"
)

const (
	microsPerSecond = 1_000_000
	secondsPerDay   = 86400

	maxSeconds = 9_224_318_016_000 // 294277-01-01, behind Postgres' last timestamp
)

// moment is a date or timestamp in UTC.
type moment struct {
	seconds int64 // since 1970
	micros  int64 // 0 to 999999
}

// Infinite reports whether a date, timestamp or interval is one of the two that
// have no number. Their text stays Postgres' own.
func Infinite(s []byte) bool {
	return string(s) == "infinity" || string(s) == "-infinity"
}

// parseMoment reads Postgres' text of a date, timestamp or timestamptz under
// DateStyle ISO: 2026-01-01[ 00:00:00[.123456][+02[:30[:15]]]][ BC]. Years have
// four digits or more.
func parseMoment(s []byte) (moment, bool) {
	s, bc := bytes.CutSuffix(s, []byte(" BC"))
	date, clock, hasClock := bytes.Cut(s, []byte(" "))
	days, ok := parseDate(date, bc)
	if !ok {
		return moment{}, false
	}
	m := moment{seconds: days * secondsPerDay}
	if !hasClock {
		return m, true
	}
	micros, offset, ok := parseClock(clock)
	if !ok {
		return moment{}, false
	}
	m.seconds += micros/microsPerSecond - offset
	m.micros = micros % microsPerSecond
	return m, true
}

// parseDate reads year-month-day, and gives the days since 1970.
func parseDate(s []byte, bc bool) (int64, bool) {
	y, s, ok1 := bytes.Cut(s, []byte("-"))
	mon, d, ok2 := bytes.Cut(s, []byte("-"))
	if !ok1 || !ok2 || len(y) < 4 || len(y) > 7 || len(mon) != 2 || len(d) != 2 {
		return 0, false
	}
	year, ok1 := ParseInt(y)
	month, ok2 := ParseInt(mon)
	day, ok3 := ParseInt(d)
	if !ok1 || !ok2 || !ok3 || year < 1 || month < 1 || month > 12 || day < 1 || day > 31 {
		return 0, false
	}
	if bc {
		year = 1 - year
	}
	return daysFromCivil(year, month, day), true
}

// parseClock reads hours:minutes:seconds with an optional fraction and offset
// from UTC, and gives the microseconds since midnight and the offset in seconds.
func parseClock(s []byte) (micros, offset int64, ok bool) {
	if i := bytes.IndexAny(s, "+-"); i >= 0 {
		if offset, ok = parseOffset(s[i:]); !ok {
			return 0, 0, false
		}
		s = s[:i]
	}
	if len(s) < 8 || s[2] != ':' || s[5] != ':' {
		return 0, 0, false
	}
	h, ok1 := ParseInt(s[:2])
	m, ok2 := ParseInt(s[3:5])
	sec, ok3 := ParseInt(s[6:8])
	fraction, ok4 := parseFraction(s[8:])
	if !ok1 || !ok2 || !ok3 || !ok4 || h < 0 || h > 24 || m < 0 || m > 59 || sec < 0 || sec > 60 {
		return 0, 0, false
	}
	return ((h*60+m)*60+sec)*microsPerSecond + fraction, offset, true
}

// parseOffset reads ±hours[:minutes[:seconds]] in seconds.
func parseOffset(s []byte) (int64, bool) {
	if len(s) != 3 && len(s) != 6 && len(s) != 9 {
		return 0, false
	}
	sign := int64(1)
	if s[0] == '-' {
		sign = -1
	}
	var total int64
	unit := int64(3600)
	for i := 0; i < len(s); i += 3 {
		if i > 0 && s[i] != ':' {
			return 0, false
		}
		n, ok := ParseInt(s[i+1 : i+3])
		if !ok || n < 0 {
			return 0, false
		}
		total += n * unit
		unit /= 60
	}
	return sign * total, true
}

// parseFraction reads up to six digits behind a point, or nothing, in microseconds.
func parseFraction(s []byte) (int64, bool) {
	if len(s) == 0 {
		return 0, true
	}
	if s[0] != '.' || len(s) < 2 || len(s) > 7 {
		return 0, false
	}
	var n int64
	for i := 1; i <= 6; i++ {
		n *= 10
		if i >= len(s) {
			continue
		}
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n += int64(s[i] - '0')
	}
	return n, true
}

// Millis reads a timestamp in milliseconds since 1970, cut toward 1970 as Debezium
// does. It is false when the text is not in Postgres' form.
func Millis(text []byte) (int64, bool) {
	m, ok := parseMoment(text)
	return m.millis(), ok
}

// millis returns milliseconds since 1970, cut toward 1970.
func (m moment) millis() int64 {
	if m.seconds < 0 && m.micros > 0 {
		return (m.seconds+1)*1000 - (microsPerSecond-m.micros)/1000
	}
	return m.seconds*1000 + m.micros/1000
}

// appendMicros appends the microseconds since 1970. Postgres' last years do not
// fit an int64 then, but do fit a uint64.
func (m moment) appendMicros(dst []byte) []byte {
	if m.seconds >= 0 {
		return strconv.AppendUint(dst, uint64(m.seconds)*microsPerSecond+uint64(m.micros), 10)
	}
	return strconv.AppendInt(dst, m.seconds*microsPerSecond+m.micros, 10)
}

// appendMoment is appendScalar for dates and timestamps.
func (c Conversion) appendMoment(dst, src []byte) ([]byte, bool) {
	if Infinite(src) {
		return append(dst, src...), true
	}
	m, ok := parseMoment(src)
	if !ok {
		return dst, false
	}
	switch c.kind {
	case kindDate:
		return strconv.AppendInt(dst, floorDiv(m.seconds, secondsPerDay), 10), true
	case kindMillis:
		return strconv.AppendInt(dst, m.millis(), 10), true
	case kindMicros:
		return m.appendMicros(dst), m.seconds <= maxSeconds
	default:
		return m.appendISO(dst, c.digits), true
	}
}

// appendISO appends the ISO 8601 form in UTC with that many digits of the
// second, as java.time prints it: years before 1 with a sign, beyond 9999 too.
func (m moment) appendISO(dst []byte, digits int) []byte {
	days := floorDiv(m.seconds, secondsPerDay)
	year, month, day := civilFromDays(days)
	switch {
	case year > 9999:
		dst = append(dst, '+')
	case year < 0:
		dst = append(dst, '-')
		year = -year
	}
	dst = appendPadded(dst, year, 4)
	dst = append(dst, '-')
	dst = appendPadded(dst, month, 2)
	dst = append(dst, '-')
	dst = appendPadded(dst, day, 2)
	dst = append(dst, 'T')
	return appendClock(dst, m.seconds-days*secondsPerDay, m.micros, digits)
}

// appendClock appends a time of day in UTC with that many digits of the second.
func appendClock(dst []byte, seconds, micros int64, digits int) []byte {
	dst = appendPadded(dst, seconds/3600, 2)
	dst = append(dst, ':')
	dst = appendPadded(dst, seconds/60%60, 2)
	dst = append(dst, ':')
	dst = appendPadded(dst, seconds%60, 2)
	if digits > 0 {
		dst = append(dst, '.')
		end := len(dst) + digits
		dst = appendPadded(dst, micros, 6)[:end]
	}
	return append(dst, 'Z')
}

// appendPadded appends a number of at least so many digits, n >= 0.
func appendPadded(dst []byte, n int64, digits int) []byte {
	limit := int64(1)
	for range digits - 1 {
		limit *= 10
	}
	for ; limit > n && limit > 1; limit /= 10 {
		dst = append(dst, '0')
	}
	return strconv.AppendInt(dst, n, 10)
}

// appendTime is appendScalar for the times of day.
func (c Conversion) appendTime(dst, src []byte) ([]byte, bool) {
	micros, offset, ok := parseClock(src)
	if !ok {
		return dst, false
	}
	switch c.kind {
	case kindTimeMillis:
		return strconv.AppendInt(dst, micros/1000, 10), true
	case kindTimeMicros:
		return strconv.AppendInt(dst, micros, 10), true
	default:
		seconds := micros/microsPerSecond - offset
		seconds -= floorDiv(seconds, secondsPerDay) * secondsPerDay
		fraction := micros % microsPerSecond
		return appendClock(dst, seconds, fraction, significantDigits(fraction)), true
	}
}

// significantDigits returns how many of the six digits of a fraction it takes.
func significantDigits(micros int64) int {
	digits := 6
	for ; digits > 0 && micros%10 == 0; digits-- {
		micros /= 10
	}
	return digits
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// daysFromCivil returns the days since 1970-01-01 of a date in the proleptic Gregorian
// calendar, where the year before 1 is 0.
func daysFromCivil(year, month, day int64) int64 {
	if month <= 2 {
		year--
	}
	era := floorDiv(year, 400)
	yearOfEra := year - era*400
	dayOfYear := (153*((month+9)%12)+2)/5 + day - 1 // from March
	dayOfEra := yearOfEra*365 + yearOfEra/4 - yearOfEra/100 + dayOfYear
	return era*146097 + dayOfEra - 719468
}

// civilFromDays is the inverse of daysFromCivil.
func civilFromDays(days int64) (year, month, day int64) {
	days += 719468
	era := floorDiv(days, 146097)
	dayOfEra := days - era*146097
	yearOfEra := (dayOfEra - dayOfEra/1460 + dayOfEra/36524 - dayOfEra/146096) / 365
	dayOfYear := dayOfEra - (365*yearOfEra + yearOfEra/4 - yearOfEra/100)
	shifted := (5*dayOfYear + 2) / 153 // months from March
	day = dayOfYear - (153*shifted+2)/5 + 1
	month = (shifted+2)%12 + 1
	year = yearOfEra + era*400
	if month <= 2 {
		year++
	}
	return year, month, day
}
