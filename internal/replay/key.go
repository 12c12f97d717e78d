package replay

import (
	"encoding/json"
	"slices"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/outboxtable"
	"github.com/walpost/walpost/internal/pgname"
	"github.com/walpost/walpost/internal/status"
)

// checkKey refuses a key that no row can have.
func checkKey(k config.Key, key string) error {
	if k.None() {
		return status.Usage("--key: the rows have none (outbox.key)")
	}
	if len(k.Columns) > 0 && keyParts(k, key) == nil {
		return status.Usage(`--key: want the key as records have it, a JSON array of %d texts like '["a","b"]' (outbox.key)`,
			len(k.Columns))
	}
	return nil
}

// keyParts returns the texts in the key of several columns, nil for NULL; nil if it is no
// such key.
func keyParts(k config.Key, key string) []*string {
	var parts []*string
	if err := json.Unmarshal([]byte(key), &parts); err != nil || len(parts) != len(k.Columns) {
		return nil
	}
	if !slices.ContainsFunc(parts, func(p *string) bool { return p != nil }) {
		return nil
	}
	return parts
}

// whereKey keeps the rows that have the key.
func whereKey(q *outboxtable.Query, k config.Key, key string) {
	switch {
	case k.JSON != "":
		q.Where(pgname.Quote(k.JSON)+"::json ->> "+pgname.Literal(k.Member), "=", key)
	case k.Column != "":
		q.Where(pgname.Quote(k.Column)+"::text", "=", key)
	}
	for i, part := range keyParts(k, key) {
		if column := pgname.Quote(k.Columns[i]) + "::text"; part == nil {
			q.WhereNull(column)
		} else {
			q.Where(column, "=", *part)
		}
	}
}
