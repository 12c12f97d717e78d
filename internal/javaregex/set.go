package javaregex

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// set is a set of characters: ranges, first and last.
type set [][2]rune

// The classes of Java, which have ASCII only without the flag U, and line ends.
func digits() set { return set{{'0', '9'}} }

func lower() set { return set{{'a', 'z'}} }

func upper() set { return set{{'A', 'Z'}} }

func alpha() set { return slices.Concat(lower(), upper()) }

func alnum() set { return slices.Concat(alpha(), digits()) }

func word() set { return append(alnum(), [2]rune{'_', '_'}) }

func punct() set { return set{{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}} }

func space() set { return set{{'\t', '\r'}, {' ', ' '}} }

func horizontal() set {
	return set{
		{'\t', '\t'},
		{' ', ' '},
		{0xa0, 0xa0},
		{0x1680, 0x1680},
		{0x180e, 0x180e},
		{0x2000, 0x200a},
		{0x202f, 0x202f},
		{0x205f, 0x205f},
		{0x3000, 0x3000},
	}
}

func vertical() set { return set{{'\n', '\r'}, {0x85, 0x85}, {0x2028, 0x2029}} }

func lineEnds() set { return set{{'\n', '\n'}, {'\r', '\r'}, {0x85, 0x85}, {0x2028, 0x2029}} }

// posix returns the set of \p{name}, which has ASCII only.
func posix(name string) (set, bool) {
	switch name {
	case "Lower":
		return lower(), true
	case "Upper":
		return upper(), true
	case "ASCII":
		return set{{0, 0x7f}}, true
	case "Alpha":
		return alpha(), true
	case "Digit":
		return digits(), true
	case "Alnum":
		return alnum(), true
	case "Punct":
		return punct(), true
	case "Graph":
		return set{{'!', '~'}}, true
	case "Print":
		return set{{' ', '~'}}, true
	case "Blank":
		return set{{'\t', '\t'}, {' ', ' '}}, true
	case "Cntrl":
		return set{{0, 0x1f}, {0x7f, 0x7f}}, true
	case "XDigit":
		return set{{'0', '9'}, {'A', 'F'}, {'a', 'f'}}, true
	case "Space":
		return space(), true
	}
	return nil, false
}

// category returns the set of \p{name} for a general category of Unicode. Those of C are
// not the same in Go.
func category(name string) (set, bool) {
	table, ok := unicode.Categories[name]
	if !ok || strings.HasPrefix(name, "C") || name == "LC" {
		return nil, false
	}
	var s set
	for _, r := range table.R16 {
		s = s.strided(rune(r.Lo), rune(r.Hi), rune(r.Stride))
	}
	for _, r := range table.R32 {
		s = s.strided(rune(r.Lo), rune(r.Hi), rune(r.Stride))
	}
	return s, true
}

func (s set) strided(low, high, stride rune) set {
	if stride == 1 {
		return append(s, [2]rune{low, high})
	}
	for c := low; c <= high; c += stride {
		s = append(s, [2]rune{c, c})
	}
	return s
}

// sorted returns the set with its ranges in order and apart.
func (s set) sorted() set {
	s = slices.Clone(s)
	slices.SortFunc(s, func(a, b [2]rune) int { return int(a[0] - b[0]) })
	var out set
	for _, r := range s {
		if n := len(out); n > 0 && r[0] <= out[n-1][1]+1 {
			out[n-1][1] = max(out[n-1][1], r[1])
			continue
		}
		out = append(out, r)
	}
	return out
}

// negated returns all other characters.
func (s set) negated() set {
	var out set
	next := rune(0)
	for _, r := range s.sorted() {
		if r[0] > next {
			out = append(out, [2]rune{next, r[0] - 1})
		}
		next = r[1] + 1
	}
	if next <= unicode.MaxRune {
		out = append(out, [2]rune{next, unicode.MaxRune})
	}
	return out
}

// anyCase adds the other case of ASCII's letters, as the flag i does in Java without u.
func (s set) anyCase() set {
	out := slices.Clone(s)
	for c := 'a'; c <= 'z'; c++ {
		large := c - 'a' + 'A'
		if s.has(c) || s.has(large) {
			out = append(out, [2]rune{c, c}, [2]rune{large, large})
		}
	}
	return out
}

func (s set) has(c rune) bool {
	return slices.ContainsFunc(s, func(r [2]rune) bool { return r[0] <= c && c <= r[1] })
}

// String returns the set as a class in Go's syntax.
func (s set) String() string {
	s = s.sorted()
	if len(s) == 0 {
		return `[^\x00-\x{10FFFF}]`
	}
	var out strings.Builder
	out.WriteByte('[')
	for _, r := range s {
		out.WriteString(hex(r[0]))
		if r[1] > r[0] {
			out.WriteString("-" + hex(r[1]))
		}
	}
	out.WriteByte(']')
	return out.String()
}

func hex(c rune) string { return `\x{` + strconv.FormatInt(int64(c), 16) + `}` }
