package debezium

import "bytes"

// appendArray reads an array in Postgres' form, {a,"b\"c",NULL}, and appends it
// as Connect prints a list: ["a","b\"c",null]. Only quotes and backslashes are
// escaped. Arrays within arrays stay so; bounds before the array are dropped.
func (c Conversion) appendArray(dst, src []byte) ([]byte, bool) {
	if len(src) > 0 && src[0] == '[' {
		_, after, ok := bytes.Cut(src, []byte("="))
		if !ok {
			return dst, false
		}
		src = after
	}
	a := arrayReader{src: src, element: c}
	dst, ok := a.list(dst, 0)
	return dst, ok && len(a.src) == 0
}

// maxDimensions is Postgres' limit (MAXDIM).
const maxDimensions = 6

// arrayReader reads an array from the front of src.
type arrayReader struct {
	src     []byte
	element Conversion
	buf     []byte // the element read, without quotes and escapes
}

// list reads one list, with its braces.
func (a *arrayReader) list(dst []byte, depth int) ([]byte, bool) {
	if depth == maxDimensions || !a.next('{') {
		return dst, false
	}
	dst = append(dst, '[')
	if a.next('}') {
		return append(dst, ']'), true
	}
	for {
		var ok bool
		if len(a.src) > 0 && a.src[0] == '{' {
			dst, ok = a.list(dst, depth+1)
		} else {
			dst, ok = a.item(dst)
		}
		switch {
		case !ok:
			return dst, false
		case a.next('}'):
			return append(dst, ']'), true
		case !a.next(','):
			return dst, false
		}
		dst = append(dst, ',')
	}
}

// next takes the next character if it is that one, and reports whether it was.
func (a *arrayReader) next(c byte) bool {
	if len(a.src) == 0 || a.src[0] != c {
		return false
	}
	a.src = a.src[1:]
	return true
}

// item reads one element and appends it converted.
func (a *arrayReader) item(dst []byte) ([]byte, bool) {
	text, quoted, ok := a.token()
	switch {
	case !ok:
		return dst, false
	case !quoted && string(text) == "NULL":
		return append(dst, "null"...), true
	}
	scalar := a.element
	scalar.array = false
	if !scalar.kind.quoted() {
		return scalar.appendScalar(dst, text)
	}
	dst = append(dst, '"')
	if scalar.kind == kindText {
		for _, c := range text {
			if c == '"' || c == '\\' {
				dst = append(dst, '\\')
			}
			dst = append(dst, c)
		}
	} else if dst, ok = scalar.appendScalar(dst, text); !ok {
		return dst, false
	}
	return append(dst, '"'), true
}

// token reads one element as text, and says whether it stood in quotes. The text
// is valid until the next call.
func (a *arrayReader) token() (text []byte, quoted, ok bool) {
	if !a.next('"') {
		end := bytes.IndexAny(a.src, `,}{"\`)
		if end <= 0 {
			return nil, false, false
		}
		text = a.src[:end]
		a.src = a.src[end:]
		return text, false, true
	}
	a.buf = a.buf[:0]
	for i := 0; i < len(a.src); i++ {
		switch a.src[i] {
		case '"':
			a.src = a.src[i+1:]
			return a.buf, true, true
		case '\\':
			if i++; i == len(a.src) {
				return nil, true, false
			}
		}
		a.buf = append(a.buf, a.src[i])
	}
	return nil, true, false
}
