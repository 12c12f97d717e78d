package config_test

import (
	"math"
	"testing"

	"github.com/walpost/walpost/internal/config"
)

func TestSizes(t *testing.T) {
	for text, want := range map[string]config.Size{
		"0": 0, "1": 1, "1B": 1, "1KiB": 1024, "16MiB": 16 << 20, "2GiB": 2 << 30, "900KB": 900_000, "1MB": 1_000_000, "3GB": 3_000_000_000,
		"9223372036854775807": math.MaxInt64, "8589934591GiB": math.MaxInt64 &^ (1<<30 - 1),
	} {
		got, err := config.ParseSize(text)
		if err != nil || got != want {
			t.Errorf("%s: got %d, %v", text, got, err)
		}
		if again, err := config.ParseSize(got.String()); err != nil || again != want {
			t.Errorf("%s is written as %s", text, got)
		}
	}
	for _, text := range []string{
		"", "MiB", "-1", "+1", "1.5MiB", "1 MiB", "1mib", "1M", "1e3", "9223372036854775808", "8589934592GiB", "1MiB\n",
	} {
		if got, err := config.ParseSize(text); err == nil {
			t.Errorf("%q: got %d", text, got)
		}
	}
}
