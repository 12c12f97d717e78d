package dlt

import (
	"fmt"
	"slices"
	"strings"
)

const (
	// maxCutHeader and maxCutHeaders bound what the shortest form keeps of headers:
	// of the value of each, and of all of them.
	maxCutHeader  = 255
	maxCutHeaders = 4 << 10
	// headerBytes is what an empty header counts: there may be very many.
	headerBytes = 8
)

// Letter is the content of a dead letter. A nil key or value is none.
type Letter struct {
	Key, Value []byte
	Headers    []Header
}

// Header is a header of a dead letter.
type Header struct {
	Name  string
	Value []byte
}

// Shorter returns a shorter form of a dead letter that is larger than its topic takes:
// without its value, or, when it has none any more, without its key and with short
// headers. ok is false when there is no shorter one. A header of the dead letter says
// what it lacks. What the letter refers to is not changed.
func Shorter(letter Letter) (short Letter, ok bool) {
	if len(letter.Value) > 0 {
		lost := fmt.Sprintf("value of %d bytes", len(letter.Value))
		return Letter{Key: letter.Key, Headers: lacks(slices.Clone(letter.Headers), lost)}, true
	}
	short = letter
	var lost []string
	if len(letter.Key) > maxCutHeader {
		short.Key = nil
		lost = append(lost, fmt.Sprintf("key of %d bytes", len(letter.Key)))
	}
	headers, cut := cutHeaders(letter.Headers)
	if lost = append(lost, cut...); len(lost) == 0 {
		return Letter{}, false
	}
	short.Headers = lacks(headers, strings.Join(lost, "; "))
	return short, true
}

// cutHeaders shortens the values of the record's own headers, and leaves out what is
// too much all the same. Those of the dead letter stay: they say what it is about.
func cutHeaders(all []Header) (kept []Header, lost []string) {
	size := 0
	for _, h := range all {
		own := strings.HasPrefix(h.Name, HeaderPrefix)
		if size += headerBytes + len(h.Name) + min(len(h.Value), maxCutHeader); size > maxCutHeaders && !own {
			if len(lost) < 8 {
				lost = append(lost, fmt.Sprintf("header %.64q of %d bytes", h.Name, len(h.Value)))
			}
			continue
		}
		if len(h.Value) > maxCutHeader && (!own || len(h.Value) > maxCutHeaders) {
			lost = append(lost, fmt.Sprintf("header %.64q from %d bytes on, of %d", h.Name, maxCutHeader, len(h.Value)))
			h.Value = h.Value[:maxCutHeader:maxCutHeader]
		}
		kept = append(kept, h)
	}
	return kept, lost
}

// lacks notes in the dead letter what it lacks, after what it lacked before.
func lacks(headers []Header, what string) []Header {
	for i, h := range headers {
		if h.Name == HeaderIncomplete {
			headers[i].Value = []byte(string(h.Value) + "; " + what)
			return headers
		}
	}
	return append(headers, Header{Name: HeaderIncomplete, Value: []byte(what)})
}
