// Package table puts tables in the place of others, with all that these have: it knows what
// Postgres' LIKE does not copy, and what nobody can copy.
//
// It must not know Kafka, positions or handlers.
package table

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
)

// Tx is an open transaction.
type Tx interface {
	Exec(ctx context.Context, query string, args ...any) (int64, error)
	// Scan runs a query that gives one row.
	Scan(ctx context.Context, into []any, query string, args ...any) error
}

// Pair is a table in use, and the one that takes its place. Names are as the transaction
// sees them, of letters that need no quotes.
type Pair struct{ Old, New string }

// pairs goes before every query here. A table that does not exist is null.
const pairs = `WITH pair AS (
	SELECT ord, o.name, n.name AS new_name, to_regclass(o.name)::oid AS old, to_regclass(n.name)::oid AS new
	FROM unnest($1::text::text[]) WITH ORDINALITY AS o (name, ord)
	JOIN unnest($2::text::text[]) WITH ORDINALITY AS n (name, ord) USING (ord)
)`

// ask returns the texts that a query over the pairs gives, whose columns are called step
// and text.
func ask(ctx context.Context, tx Tx, all []Pair, query string) (texts []string, err error) {
	var olds, news []string
	for _, p := range all {
		olds, news = append(olds, p.Old), append(news, p.New)
	}
	array := func(names []string) string { return "{" + strings.Join(names, ",") + "}" }
	var list string
	err = tx.Scan(ctx, []any{&list},
		pairs+query+` SELECT coalesce(json_agg(text ORDER BY step, text), '[]')::text FROM answer WHERE text IS NOT NULL`,
		array(olds), array(news))
	if err != nil {
		return nil, fmt.Errorf("read the catalog: %w", err)
	}
	if err := json.Unmarshal([]byte(list), &texts); err != nil {
		return nil, fmt.Errorf("read the catalog: %w", err)
	}
	return texts, nil
}

// StatementError is an error of one statement, which names its object.
type StatementError struct {
	Statement string
	Err       error
}

// Error returns the statement, and what Postgres says about it.
func (e *StatementError) Error() string { return e.Statement + ": " + e.Err.Error() }

// Unwrap returns the error of Postgres.
func (e *StatementError) Unwrap() error { return e.Err }

func run(ctx context.Context, tx Tx, statements []string) error {
	for _, statement := range statements {
		if _, err := tx.Exec(ctx, statement); err != nil {
			return &StatementError{statement, err}
		}
	}
	return nil
}
