package provision

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/internal/pgname"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/postgres/catalog"
)

// CommentSQL sets the comment of a publication; "" removes it.
func CommentSQL(publication, comment string) string {
	text := "NULL"
	if comment != "" {
		text = pgname.CommandLiteral(comment)
	}
	return "COMMENT ON PUBLICATION " + pgname.Quote(publication) + " IS " + text
}

// FinishPublication removes the comment that a first start leaves on its publication
// until the slot exists.
func FinishPublication(ctx context.Context, conn *pgx.Conn, publication, slot string) error {
	op := "remove the mark of a first start from publication " + pgname.QuoteIfNeeded(publication)
	marked, err := queryBool(ctx, conn, `SELECT EXISTS (SELECT FROM pg_publication
		WHERE pubname = $1 AND obj_description(oid, 'pg_publication') = $2)`, publication, catalog.UnfinishedComment(slot))
	if err != nil || !marked {
		return postgres.Classify(op, err)
	}
	_, err = conn.Exec(ctx, CommentSQL(publication, ""))
	return postgres.Classify(op, err)
}
