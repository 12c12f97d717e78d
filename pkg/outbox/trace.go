package outbox

import "context"

// traceContext is what the configuration gives for ctx, as far as it is well
// formed by W3C Trace Context. What is not is left out: a receiver would ignore it,
// and no business transaction should fail over its tracing.
func (w *Writer) traceContext(ctx context.Context) (parent, state string) {
	if w.config.TraceContext == nil {
		return "", ""
	}
	parent, state = w.config.TraceContext(ctx)
	switch {
	case !isTraceparent(parent):
		return "", ""
	case !isTracestate(state):
		return parent, ""
	default:
		return parent, state
	}
}

// isTraceparent reports whether s is version-traceid-parentid-flags in lower-case
// hexadecimal digits; of versions above 00 more may follow.
func isTraceparent(s string) bool {
	const length = 55
	if len(s) < length || len(s) > 2*length || (len(s) > length && (s[:2] == "00" || s[length] != '-')) || s[:2] == "ff" {
		return false
	}
	var trace, parent bool // is there a digit that is not 0
	for i := range length {
		c := s[i]
		if i == 2 || i == 35 || i == 52 {
			if c != '-' {
				return false
			}
			continue
		}
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
		trace = trace || (c != '0' && i > 2 && i < 35)
		parent = parent || (c != '0' && i > 35 && i < 52)
	}
	return trace && parent && isTracestate(s[length:])
}

// isTracestate reports whether s could be a tracestate: printable ASCII of a length
// that every hop must keep.
func isTracestate(s string) bool {
	const longest = 512
	for i := range len(s) {
		if (s[i] < ' ' && s[i] != '\t') || s[i] > '~' {
			return false
		}
	}
	return len(s) <= longest
}
