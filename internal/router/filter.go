package router

import (
	"errors"
	"fmt"

	"github.com/walpost/walpost/internal/pgoutput"
)

// ErrLeftOut is what Route returns for a row that is no event, by outbox.filter.
var ErrLeftOut = errors.New("outbox.filter leaves the row out")

// FilterColumn is a column and the texts that it has in events.
type FilterColumn struct {
	Column string
	Texts  []string
}

// filterColumn is a column that says whether a row is an event.
type filterColumn struct {
	*column

	texts   map[string]bool
	longest int // of the texts
}

// filter finds the columns of the filter. Those of missing_columns do not include them: a
// row is never left out because nobody knows what it is.
func (s *resolver) filter() []filterColumn {
	var columns []filterColumn
	for _, f := range s.mapping.Filter {
		found := s.find(f.Column, keyFilter, asFilter)
		if found == nil {
			continue
		}
		c := filterColumn{column: found, texts: make(map[string]bool, len(f.Texts))}
		for _, text := range f.Texts {
			c.texts[text] = true
			c.longest = max(c.longest, len(text))
		}
		columns = append(columns, c)
	}
	return columns
}

// leftOut is ErrLeftOut for a row of which a column has none of its texts. NULL is none of
// them, nor is a text that is too long to be kept.
func (p *plan) leftOut(row pgoutput.Tuple) error {
	for i := range p.filter {
		c := &p.filter[i]
		switch v := row[c.index]; v.Kind {
		case pgoutput.Text:
			if !c.texts[string(v.Data)] {
				return ErrLeftOut
			}
		case pgoutput.Null, pgoutput.Discarded:
			return ErrLeftOut
		default:
			return p.valueError(c.column, fmt.Sprintf("sent as kind %q, want text", v.Kind))
		}
	}
	return nil
}
