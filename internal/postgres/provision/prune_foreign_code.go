package provision

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/internal/pgname"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/postgres/catalog"
)

// ForeignCodeError is an error where deleting from the outbox, as the role, would run
// code of other roles; nil where it would not.
func ForeignCodeError(outbox pgname.Table, list []catalog.ForeignCode, role string) *postgres.Error {
	if len(list) == 0 {
		return nil
	}
	var names []string
	for n, c := range list {
		if n == foreignCodeShown {
			names = append(names, fmt.Sprintf("%d more", len(list)-n))
			break
		}
		names = append(names, fmt.Sprintf("%s %s of %s", c.What, pgname.QuoteIfNeeded(c.Name), c.Of))
	}
	return &postgres.Error{
		Kind: postgres.InsufficientPrivilege, Op: "prune " + outbox.String(),
		Text: fmt.Sprintf("deleting from %s would run, as role %s with its REPLICATION, what another role wrote: %s",
			outbox, pgname.QuoteIfNeeded(role), strings.Join(names, ", ")),
		Hint: fmt.Sprintf("remove outbox.prune and let the owner delete (pkg/outbox/retention), or drop these, or ALTER TABLE %s "+
			"OWNER TO %s, its partitions too",
			outbox.Quoted(), pgname.Quote(role)),
	}
}

// foreignCodeShown is how many are named.
const foreignCodeShown = 5

// refuseForeignCode is an error where deleting from the table would run code of other
// roles. The caller holds a lock of the table that keeps new triggers out.
func refuseForeignCode(ctx context.Context, tx pgx.Tx, table pgname.Table) error {
	var oid uint32
	var role string
	if err := tx.QueryRow(ctx, "SELECT $1::text::regclass::oid, current_user",
		postgres.Once, table.Quoted()).Scan(&oid, &role); err != nil {
		return err
	}
	list, err := catalog.ReadForeignCode(ctx, tx, oid)
	if err != nil {
		return err
	}
	if e := ForeignCodeError(table, list, role); e != nil {
		return e
	}
	return nil
}
