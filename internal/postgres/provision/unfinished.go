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

// MarkPublication sets the mark of a first start on a publication that is there: one of
// those in package catalog. A comment of somebody else, and the publication of another owner,
// stay as they are.
func MarkPublication(ctx context.Context, conn *pgx.Conn, publication, slot, mark string) error {
	op := "mark publication " + pgname.QuoteIfNeeded(publication)
	markable, err := queryBool(ctx, conn, `SELECT EXISTS (SELECT FROM pg_publication WHERE pubname = $1
		AND pg_has_role(pubowner, 'USAGE') AND coalesce(obj_description(oid, 'pg_publication'), '') = ANY ($2))`,
		publication, append(marks(slot), ""))
	if err != nil || !markable {
		return postgres.Classify(op, err)
	}
	_, err = conn.Exec(ctx, CommentSQL(publication, mark))
	return postgres.Classify(op, err)
}

// marks are the comments of first starts.
func marks(slot string) []string {
	return []string{catalog.UnfinishedComment(slot), catalog.PublishingComment(slot), catalog.PublishedComment(slot)}
}

// FinishPublication removes the comment that a first start leaves on its publication
// until the slot exists, and what the table had before it is published if that was asked for.
func FinishPublication(ctx context.Context, conn *pgx.Conn, publication, slot string) error {
	op := "remove the mark of a first start from publication " + pgname.QuoteIfNeeded(publication)
	marked, err := queryBool(ctx, conn, `SELECT EXISTS (SELECT FROM pg_publication
		WHERE pubname = $1 AND obj_description(oid, 'pg_publication') = ANY ($2))`, publication, marks(slot))
	if err != nil || !marked {
		return postgres.Classify(op, err)
	}
	_, err = conn.Exec(ctx, CommentSQL(publication, ""))
	return postgres.Classify(op, err)
}
