package record

import "github.com/walpost/walpost/internal/dlt"

// maxDeadLetter is the largest dead letter that is tried as a whole: a request has
// room for it beside its own bytes (sarama.MaxRequestSize, socket.request.max.bytes).
const maxDeadLetter = 95 << 20

// Shorter is dlt.Shorter for a record, which itself is not changed.
func Shorter(letter *Record) (short *Record, ok bool) {
	headers := make([]dlt.Header, len(letter.Headers))
	for i, h := range letter.Headers {
		headers[i] = dlt.Header(h)
	}
	form, ok := dlt.Shorter(dlt.Letter{Key: letter.Key, Value: letter.Value, Headers: headers})
	if !ok {
		return nil, false
	}
	next := *letter
	next.Key, next.Value, next.Headers = form.Key, form.Value, make([]Header, len(form.Headers))
	for i, h := range form.Headers {
		next.Headers[i] = Header(h)
	}
	return &next, true
}
