package debezium

import (
	"bytes"
	"errors"
	"math"
	"strconv"
)

// Why a text has no value in JSON.
var (
	ErrForm  = errors.New("text not in the form expected")
	ErrValue = errors.New("a value that JSON has no form for") // such as NaN of a numeric
	ErrUTF8  = errors.New("text that is not UTF-8")
)

// AppendJSON appends the value made from Postgres' text, as Debezium's Postgres connector
// and Kafka's JsonConverter write it. After an error, one of those above, what it appended
// is of no use.
func (c Conversion) AppendJSON(dst, src []byte) ([]byte, error) {
	if !c.array {
		return c.appendValue(dst, src)
	}
	return c.appendList(dst, src, arrayReader{json: true})
}

// appendValue is AppendJSON for a value that is no array.
func (c Conversion) appendValue(dst, src []byte) ([]byte, error) {
	switch c.kind {
	case kindText:
		dst, ok := AppendString(dst, src)
		return dst, errUnless(ok, ErrUTF8)
	case kindNumber:
		return append(dst, src...), errUnless(decimalDigits(src), ErrForm)
	case kindFloat32:
		return appendJSONFloat(dst, src, 32)
	case kindFloat64:
		return appendJSONFloat(dst, src, 64)
	case kindNumeric:
		return appendUnscaled(dst, src, c.digits)
	case kindMoney:
		return appendUnscaledMoney(dst, src)
	case kindDecimal:
		dst, ok := appendDecimal(dst, src)
		return dst, errFor(ok, !notFinite(src))
	case kindPoint:
		return appendJSONPoint(dst, src)
	case kindDate, kindMicros, kindMillis:
		return c.appendJSONMoment(dst, src)
	case kindInterval:
		dst, ok := appendInterval(dst, src)
		return dst, errFor(ok, !Infinite(src))
	default:
	}
	if c.kind.quoted() {
		dst = append(dst, '"')
	}
	dst, ok := c.appendScalar(dst, src)
	if c.kind.quoted() {
		dst = append(dst, '"')
	}
	return dst, errUnless(ok, ErrForm)
}

func errUnless(ok bool, err error) error {
	if ok {
		return nil
	}
	return err
}

// errFor returns the error of a text that is in Postgres' form or not, and has a value or not.
func errFor(ok, valued bool) error {
	if ok && !valued {
		return ErrValue
	}
	return errUnless(ok, ErrForm)
}

// notFinite reports whether a numeric is none of the numbers that have digits.
func notFinite(s []byte) bool {
	return string(s) == "NaN" || string(s) == "Infinity" || string(s) == "-Infinity"
}

// appendJSONFloat writes what is no number as a text, as Jackson does.
func appendJSONFloat(dst, src []byte, bitSize int) ([]byte, error) {
	quote := notFinite(src)
	if quote {
		dst = append(dst, '"')
	}
	dst, ok := appendJavaFloat(dst, src, bitSize)
	if quote {
		dst = append(dst, '"')
	}
	return dst, errUnless(ok, ErrForm)
}

// AppendDouble appends a number of JSON as Double.toString prints it. It is false when
// the number is too large for a double.
func AppendDouble(dst, number []byte) ([]byte, bool) { return appendJavaFloat(dst, number, 64) }

// appendJSONPoint is appendPoint for a point whose numbers JSON has.
func appendJSONPoint(dst, src []byte) ([]byte, error) {
	start := len(dst)
	dst, ok := appendPoint(dst, src)
	if !ok {
		return dst, ErrForm
	}
	if bytes.Contains(dst[start:], []byte("Infinity")) || bytes.Contains(dst[start:], []byte("NaN")) {
		return dst, ErrValue
	}
	return dst, nil
}

// What Debezium publishes for infinity: pgjdbc's constants, and the days of a date whose
// year java.time took for one before 0.
const (
	infiniteMicros, minusInfiniteMicros = 9223372036825200000, -9223372036832400000
	infiniteDays, minusInfiniteDays     = -2147472692, -2147472691
)

// appendJSONMoment is appendMoment for the types that are numbers in JSON.
func (c Conversion) appendJSONMoment(dst, src []byte) ([]byte, error) {
	if !Infinite(src) {
		dst, ok := c.appendMoment(dst, src)
		m, _ := parseMoment(src)
		return dst, errFor(ok, c.kind != kindMicros || m.seconds < math.MaxInt64/microsPerSecond)
	}
	number := int64(infiniteMicros)
	days := int64(infiniteDays)
	if src[0] == '-' {
		number, days = minusInfiniteMicros, minusInfiniteDays
	}
	switch c.kind {
	case kindDate:
		number = days
	case kindMillis:
		number /= 1000
	default:
	}
	return strconv.AppendInt(dst, number, 10), nil
}

// appendUnscaled appends a numeric(p,s) as JsonConverter writes a Decimal: the number
// without its point, in two's complement, as base64.
func appendUnscaled(dst, src []byte, scale int) ([]byte, error) {
	if notFinite(src) {
		return dst, ErrValue
	}
	var buf [64]byte
	digits, ok := unscaled(buf[:0], src, scale)
	if !ok || !decimalDigits(digits) {
		return dst, ErrForm
	}
	dst = append(dst, '"')
	if n, fits := ParseInt(digits); fits {
		dst = appendInt64Base64(dst, n)
	} else if dst, ok = appendBigBase64(dst, digits); !ok {
		return dst, ErrForm
	}
	return append(dst, '"'), nil
}

// unscaled appends the digits of number · 10^scale, and its minus. It is false when that
// is not whole.
func unscaled(dst, number []byte, scale int) ([]byte, bool) {
	whole, fraction, _ := bytes.Cut(number, []byte("."))
	if len(fraction) > max(scale, 0) {
		if len(bytes.TrimRight(fraction[max(scale, 0):], "0")) > 0 {
			return dst, false
		}
		fraction = fraction[:max(scale, 0)]
	}
	dst = append(append(dst, whole...), fraction...)
	for range scale - len(fraction) {
		dst = append(dst, '0')
	}
	for ; scale < 0 && len(dst) > 0 && string(dst) != "0"; scale++ {
		last := len(dst) - 1
		if dst[last] != '0' {
			return dst, false
		}
		dst = dst[:last]
	}
	return dst, true
}

// moneyScale is money.fraction.digits, and the decimals of money under lc_monetary C.
const moneyScale = 2

func appendUnscaledMoney(dst, src []byte) ([]byte, error) {
	var buf [32]byte
	number, ok := appendMoney(buf[:0], src)
	if !ok {
		return dst, ErrForm
	}
	return appendUnscaled(dst, number, moneyScale)
}
