package debezium

import "bytes"

// appendArray reads an array in Postgres' form, {a,"b\"c",NULL}, and appends it
// as Connect prints a list: ["a","b\"c",null]. Only quotes and backslashes are
// escaped. Arrays within arrays stay so; bounds before the array are dropped.
func (c Conversion) appendArray(dst, src []byte) ([]byte, bool) {
	dst, err := c.appendList(dst, src, arrayReader{})
	return dst, err == nil
}

// appendList is appendArray with the elements as the reader writes them.
func (c Conversion) appendList(dst, src []byte, a arrayReader) ([]byte, error) {
	if len(src) > 0 && src[0] == '[' {
		_, after, ok := bytes.Cut(src, []byte("="))
		if !ok {
			return dst, ErrForm
		}
		src = after
	}
	a.src, a.element = src, c
	a.element.array = false
	dst, err := a.list(dst, 0)
	if err == nil && len(a.src) > 0 {
		err = ErrForm
	}
	return dst, err
}

// maxDimensions is Postgres' limit (MAXDIM).
const maxDimensions = 6

// arrayReader reads an array from the front of src.
type arrayReader struct {
	src     []byte
	element Conversion
	json    bool   // elements are values of JSON; else Connect's texts
	buf     []byte // the element read, without quotes and escapes
}

// list reads one list, with its braces.
func (a *arrayReader) list(dst []byte, depth int) ([]byte, error) {
	if depth == maxDimensions || !a.next('{') {
		return dst, ErrForm
	}
	dst = append(dst, '[')
	if a.next('}') {
		return append(dst, ']'), nil
	}
	for {
		var err error
		if len(a.src) > 0 && a.src[0] == '{' {
			dst, err = a.list(dst, depth+1)
		} else {
			dst, err = a.item(dst)
		}
		switch {
		case err != nil:
			return dst, err
		case a.next('}'):
			return append(dst, ']'), nil
		case !a.next(','):
			return dst, ErrForm
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
func (a *arrayReader) item(dst []byte) ([]byte, error) {
	text, quoted, ok := a.token()
	switch {
	case !ok:
		return dst, ErrForm
	case !quoted && string(text) == "NULL":
		return append(dst, "null"...), nil
	case a.json:
		return a.element.appendValue(dst, text)
	case !a.element.kind.quoted():
		dst, ok = a.element.appendScalar(dst, text)
		return dst, errUnless(ok, ErrForm)
	}
	dst = append(dst, '"')
	if a.element.kind == kindText {
		for _, c := range text {
			if c == '"' || c == '\\' {
				dst = append(dst, '\\')
			}
			dst = append(dst, c)
		}
	} else if dst, ok = a.element.appendScalar(dst, text); !ok {
		return dst, ErrForm
	}
	return append(dst, '"'), nil
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
