// Package suggest finds the name that a misspelt one most likely means.
//
// It depends on the standard library alone.
package suggest

// maxLength bounds the names that are compared: a longer one is no slip of the keyboard.
const maxLength = 64

// Nearest returns the candidate with the smallest distance to name, and "" when no
// candidate is within maxDistance.
func Nearest(name string, candidates []string, maxDistance int) string {
	best, limit := "", maxDistance+1
	for _, c := range candidates {
		if d := distance(name, c); d < limit {
			best, limit = c, d
		}
	}
	return best
}

// distance returns how many letters must be inserted, removed, replaced or swapped with
// their neighbour to make a into b (optimal string alignment).
func distance(a, b string) int {
	if len(a) > maxLength {
		return len(a)
	}
	beforeLast, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			replaced := 1
			if a[i-1] == b[j-1] {
				replaced = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+replaced)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], beforeLast[j-2]+1)
			}
		}
		beforeLast, last = last, row
	}
	return last[len(b)]
}
