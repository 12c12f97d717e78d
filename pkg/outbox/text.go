package outbox

import (
	"strings"
	"unicode/utf8"
)

// validText reports whether Postgres can hold the text.
func validText(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }
