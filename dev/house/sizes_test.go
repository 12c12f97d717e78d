package house_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// What is longer is cut where it has two subjects, and not where the line is.
const (
	maxFunction = 60   // lines
	p95Function = 28   // lines that 95 of 100 functions do not exceed
	maxFile     = 500  // lines
	maxRoom     = 2500 // lines of a package outside of dev
)

// wide are the packages that may be larger: one definition of every key, and one file for
// every command.
var wide = []string{"internal/config", "internal/cli"}

func TestFunctionsAreShort(t *testing.T) {
	t.Parallel()
	var all []function
	for _, f := range source(t) {
		all = append(all, f.functions...)
	}
	slices.SortFunc(all, func(a, b function) int { return cmp.Or(b.lines-a.lines, strings.Compare(a.place, b.place)) })
	p95 := all[len(all)/20].lines
	if p95 <= p95Function && all[0].lines <= maxFunction {
		return
	}
	t.Errorf("the longest of %d functions has %d lines, and 95 of 100 have %d at most, want %d and %d; the longest are\n%s",
		len(all), all[0].lines, p95, maxFunction, p95Function, list(all[:len(all)/20], func(f function) string {
			return fmt.Sprintf("%4d %s %s", f.lines, f.place, f.name)
		}))
}

func TestFilesAreShort(t *testing.T) {
	t.Parallel()
	for _, f := range source(t) {
		if f.lines > maxFile {
			t.Errorf("%s has %d lines, want %d at most", f.path, f.lines, maxFile)
		}
	}
}

func TestRoomsAreSmall(t *testing.T) {
	t.Parallel()
	rooms := map[string]int{}
	for _, f := range source(t) {
		rooms[f.room()] += f.lines
	}
	for room, lines := range rooms {
		if lines > maxRoom && !strings.HasPrefix(room, "dev/") && !slices.Contains(wide, room) {
			t.Errorf("%s has %d lines, want %d at most: which of its questions is a room of its own?", room, lines, maxRoom)
		}
	}
}

func list[T any](all []T, line func(T) string) string {
	var text strings.Builder
	for _, one := range all {
		text.WriteString(line(one) + "\n")
	}
	return text.String()
}
