package record

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/walpost/walpost/internal/pgoutput"
)

// Compared as text, positions have the order of the stream.
func TestPositionsSortAsText(t *testing.T) {
	position := rapid.Custom(func(t *rapid.T) Position {
		return Position{CommitLSN: pgoutput.LSN(rapid.Uint64().Draw(t, "lsn")), Ordinal: rapid.Uint32().Draw(t, "ordinal")}
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := position.Draw(t, "a"), position.Draw(t, "b")
		if rapid.Bool().Draw(t, "same transaction") {
			b.CommitLSN = a.CommitLSN
		}
		before := a.CommitLSN < b.CommitLSN || a.CommitLSN == b.CommitLSN && a.Ordinal < b.Ordinal
		if (a.String() < b.String()) != before || len(a.String()) != 16+1+8 {
			t.Fatalf("%v and %v give %s and %s", a, b, a, b)
		}
	})
}
