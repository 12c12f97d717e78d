package config

import (
	"strings"

	"github.com/walpost/walpost/internal/suggest"
)

// nearestKey returns the key that a misspelt one most likely means, and "" when none is
// near: a third of its letters may be wrong, missing, too many or swapped.
func nearestKey(wrong string, keys []string) string {
	wrong = strings.ToLower(strings.ReplaceAll(wrong, "-", "_"))
	return suggest.Nearest(wrong, keys, max(1, len(wrong)/3))
}
