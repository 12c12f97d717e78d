package pgoutput_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/walpost/walpost/internal/pgoutput"
)

func TestLSNText(t *testing.T) {
	if got := pgoutput.LSN(0x16_B374_D848).String(); got != "16/B374D848" {
		t.Errorf("got %s", got)
	}
	for _, bad := range []string{"", "/", "16", "16/", "/1", "16/1/2", "x/1", "1/100000000", "-1/1"} {
		if l, err := pgoutput.ParseLSN(bad); err == nil {
			t.Errorf("%q: got %s, want an error", bad, l)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		want := pgoutput.LSN(rapid.Uint64().Draw(t, "lsn"))
		if got, err := pgoutput.ParseLSN(want.String()); err != nil || got != want {
			t.Fatalf("%s: got %s, %v", want, got, err)
		}
	})
}
