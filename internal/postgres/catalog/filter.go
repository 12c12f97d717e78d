package catalog

import (
	"strings"

	"github.com/walpost/walpost/internal/pgname"
)

// Filter says which rows of the outbox are events: those of which each of these columns has
// one of its texts. Empty: all rows.
type Filter []FilterColumn

// FilterColumn is a column and the texts that it has in events.
type FilterColumn struct {
	Column string
	Texts  []string
}

// Where returns the condition in SQL that a row is an event, "" when all are. Columns stand
// behind the prefix, such as "r.". Texts are compared byte by byte, as in the stream,
// whatever the collation of the column.
func (f Filter) Where(prefix string) string {
	conditions := make([]string, len(f))
	for i, c := range f {
		texts := make([]string, len(c.Texts))
		for j, text := range c.Texts {
			texts[j] = pgname.Literal(text)
		}
		conditions[i] = prefix + pgname.Quote(c.Column) + `::text COLLATE "C" IN (` + strings.Join(texts, ", ") + ")"
	}
	return strings.Join(conditions, " AND ")
}

// and returns the condition with the word that adds it to another one.
func (f Filter) and(word, prefix string) string {
	if len(f) == 0 {
		return ""
	}
	return " " + word + " " + f.Where(prefix)
}
