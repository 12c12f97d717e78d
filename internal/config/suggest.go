package config

import "strings"

// nearest gives the name that a misspelt one most likely means, "" when none is
// near: a third of its letters may be wrong, missing, too many or swapped.
func nearest(wrong string, names []string) string {
	wrong = strings.ToLower(strings.ReplaceAll(wrong, "-", "_"))
	best, limit := "", max(1, len(wrong)/3)+1
	for _, name := range names {
		if d := distance(wrong, name); d < limit {
			best, limit = name, d
		}
	}
	return best
}

// distance is the number of letters to insert, remove, replace or swap with
// their neighbour to make a into b (optimal string alignment).
func distance(a, b string) int {
	if len(a) > 64 {
		return len(a)
	}
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			differ := 1
			if a[i-1] == b[j-1] {
				differ = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+differ)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
