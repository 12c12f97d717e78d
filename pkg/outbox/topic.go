package outbox

import (
	"errors"
	"fmt"

	"github.com/walpost/walpost/pkg/outbox/internal/topicname"
)

// topicPart is a literal text, or the index of a column if literal is "".
type topicPart struct {
	literal string
	column  int
}

// parseTopic reads the relay's template. index finds a column.
func parseTopic(template string, index func(column string) (int, bool)) ([]topicPart, error) {
	parsed, err := topicname.Parse(template)
	if err != nil {
		return nil, fmt.Errorf("has %w", err)
	}
	parts := make([]topicPart, len(parsed))
	for i, p := range parsed {
		parts[i].literal = p.Literal
		if p.Literal != "" {
			continue
		}
		column, ok := index(p.Column)
		if !ok {
			return nil, errors.New("names the column " + p.Column + ", which is none that this configuration writes")
		}
		parts[i].column = column
	}
	return parts, nil
}
