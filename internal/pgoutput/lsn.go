package pgoutput

import (
	"fmt"
	"strconv"
	"strings"
)

// LSN is a position in the write-ahead log. Its text form is Postgres' own type
// pg_lsn: two hexadecimal numbers with a slash between, as in 16/B374D848.
type LSN uint64

// String returns the form of pg_lsn.
func (l LSN) String() string {
	return fmt.Sprintf("%X/%X", uint32(l>>32), uint32(l))
}

// ParseLSN parses the form of pg_lsn.
func ParseLSN(s string) (LSN, error) {
	hi, lo, ok := strings.Cut(s, "/")
	if !ok {
		return 0, fmt.Errorf("LSN %q: want two hexadecimal numbers with / between, as in 16/B374D848", s)
	}
	h, err := strconv.ParseUint(hi, 16, 32)
	if err != nil {
		return 0, fmt.Errorf("LSN %q: %w", s, err)
	}
	l, err := strconv.ParseUint(lo, 16, 32)
	if err != nil {
		return 0, fmt.Errorf("LSN %q: %w", s, err)
	}
	return LSN(h<<32 | l), nil
}

// MarshalText returns the form of pg_lsn, and no text for 0: no position.
func (l LSN) MarshalText() ([]byte, error) {
	if l == 0 {
		return nil, nil
	}
	return []byte(l.String()), nil
}

// UnmarshalText parses what MarshalText returns.
func (l *LSN) UnmarshalText(text []byte) (err error) {
	if *l = 0; len(text) == 0 {
		return nil
	}
	*l, err = ParseLSN(string(text))
	return err
}
