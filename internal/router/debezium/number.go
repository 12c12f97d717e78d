package debezium

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"math"
	"math/big"
	"strconv"
)

// appendJavaFloat reads a real or double precision and appends it as
// Float.toString and Double.toString do since JDK 19: the shortest decimal that
// gives the number back, plain from 10^-3 to 10^7, else with an exponent.
func appendJavaFloat(dst, src []byte, bitSize int) ([]byte, bool) {
	f, err := strconv.ParseFloat(string(src), bitSize)
	if err != nil {
		return dst, false
	}
	switch {
	case math.IsNaN(f):
		return append(dst, "NaN"...), true
	case math.IsInf(f, 1):
		return append(dst, "Infinity"...), true
	case math.IsInf(f, -1):
		return append(dst, "-Infinity"...), true
	case f == 0:
		if math.Signbit(f) {
			dst = append(dst, '-')
		}
		return append(dst, "0.0"...), true
	}
	if a := math.Abs(f); a >= 1e-3 && a < 1e7 {
		start := len(dst)
		dst = strconv.AppendFloat(dst, f, 'f', -1, bitSize)
		if bytes.IndexByte(dst[start:], '.') < 0 {
			dst = append(dst, ".0"...)
		}
		return dst, true
	}
	return appendJavaExponent(dst, f, bitSize), true
}

// appendJavaExponent appends d.dddE±n: at least one digit behind the point, no
// plus, no leading zeros. Of numbers that one digit would name Java prints the
// nearest of two (4.9E-324).
func appendJavaExponent(dst []byte, f float64, bitSize int) []byte {
	var buf [32]byte
	text := strconv.AppendFloat(buf[:0], f, 'e', -1, bitSize)
	if bytes.IndexByte(text, '.') < 0 {
		text = strconv.AppendFloat(buf[:0], f, 'e', 1, bitSize)
	}
	mantissa, exponent, _ := bytes.Cut(text, []byte("e"))
	dst = append(dst, mantissa...)
	dst = append(dst, 'E')
	if exponent[0] == '-' {
		dst = append(dst, '-')
	}
	return append(dst, bytes.TrimLeft(exponent[1:], "0")...)
}

// appendDecimal appends a numeric without a scale as Debezium's
// VariableScaleDecimal: the unscaled number in two's complement as base64, and
// its scale, without zeros at the end.
func appendDecimal(dst, src []byte) ([]byte, bool) {
	switch string(src) {
	case "NaN", "Infinity", "-Infinity":
		return append(dst, src...), true
	}
	digits := make([]byte, 0, 64)
	whole, fraction, _ := bytes.Cut(src, []byte("."))
	fraction = bytes.TrimRight(fraction, "0")
	digits = append(append(digits, whole...), fraction...)
	if !decimalDigits(digits) {
		return dst, false
	}
	dst = append(dst, `{"scale":`...)
	dst = strconv.AppendInt(dst, int64(len(fraction)), 10)
	dst = append(dst, `,"value":"`...)
	if n, ok := ParseInt(digits); ok {
		dst = appendInt64Base64(dst, n)
	} else if dst, ok = appendBigBase64(dst, digits); !ok {
		return dst, false
	}
	return append(dst, `"}`...), true
}

// decimalDigits reports whether the text consists of digits, with or without a minus
// before them.
func decimalDigits(s []byte) bool {
	s = bytes.TrimPrefix(s, []byte("-"))
	for _, c := range s {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(s) > 0
}

// appendInt64Base64 appends the shortest two's complement of n, highest byte first.
func appendInt64Base64(dst []byte, n int64) []byte {
	var buf [8]byte
	binary.BigEndian.PutUint64(buf[:], uint64(n))
	return base64.StdEncoding.AppendEncode(dst, shortestComplement(buf[:]))
}

func appendBigBase64(dst, digits []byte) ([]byte, bool) {
	n, ok := new(big.Int).SetString(string(digits), 10)
	if !ok {
		return dst, false
	}
	size := n.BitLen()/8 + 1
	if n.Sign() < 0 { // two's complement: n + 2^(8·size)
		n.Add(n, new(big.Int).Lsh(big.NewInt(1), uint(8*size)))
	}
	return base64.StdEncoding.AppendEncode(dst, shortestComplement(n.FillBytes(make([]byte, size)))), true
}

// shortestComplement drops the leading bytes that only repeat the sign.
func shortestComplement(b []byte) []byte {
	for len(b) > 1 && (b[0] == 0 && b[1] < 0x80 || b[0] == 0xff && b[1] >= 0x80) {
		b = b[1:]
	}
	return b
}

// appendMoney reads money under lc_monetary C, as -$1,234.50, and appends the
// plain number.
func appendMoney(dst, src []byte) ([]byte, bool) {
	rest, negative := bytes.CutPrefix(src, []byte("-"))
	rest, ok := bytes.CutPrefix(rest, []byte("$"))
	if !ok || len(rest) < 4 || rest[len(rest)-3] != '.' {
		return dst, false
	}
	if negative {
		dst = append(dst, '-')
	}
	for i, c := range rest {
		switch {
		case c >= '0' && c <= '9', c == '.' && i == len(rest)-3:
			dst = append(dst, c)
		case c != ',':
			return dst, false
		}
	}
	return dst, true
}

// appendPoint reads (x,y) and appends Debezium's Point: the numbers, and the
// same once more as well-known binary.
func appendPoint(dst, src []byte) ([]byte, bool) {
	if len(src) < 5 || src[0] != '(' || src[len(src)-1] != ')' {
		return dst, false
	}
	xs, ys, ok := bytes.Cut(src[1:len(src)-1], []byte(","))
	if !ok {
		return dst, false
	}
	x, err1 := strconv.ParseFloat(string(xs), 64)
	y, err2 := strconv.ParseFloat(string(ys), 64)
	if err1 != nil || err2 != nil {
		return dst, false
	}
	dst = append(dst, `{"x":`...)
	dst, _ = appendJavaFloat(dst, xs, 64)
	dst = append(dst, `,"y":`...)
	dst, _ = appendJavaFloat(dst, ys, 64)
	dst = append(dst, `,"wkb":"`...)
	wkb := make([]byte, 0, 21)
	wkb = append(wkb, 1, 1, 0, 0, 0) // little endian, type Point
	wkb = binary.LittleEndian.AppendUint64(wkb, math.Float64bits(x))
	wkb = binary.LittleEndian.AppendUint64(wkb, math.Float64bits(y))
	dst = base64.StdEncoding.AppendEncode(dst, wkb)
	return append(dst, `","srid":null}`...), true
}

// ParseInt reads an int8 without allocating.
func ParseInt(s []byte) (int64, bool) {
	negative := len(s) > 0 && s[0] == '-'
	if negative {
		s = s[1:]
	}
	if len(s) == 0 || len(s) > 19 {
		return 0, false
	}
	var n uint64
	for _, c := range s {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	switch {
	case negative && n <= 1<<63:
		return -int64(n), true
	case !negative && n < 1<<63:
		return int64(n), true
	}
	return 0, false
}
