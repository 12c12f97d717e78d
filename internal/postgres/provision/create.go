package provision

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/walpost/walpost/internal/pgname"
	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/postgres/catalog"
)

// CreateTable creates the outbox table unless a relation of that name is there.
// It reports whether it did; what is there is not touched, and not judged.
func CreateTable(ctx context.Context, conn *pgx.Conn, table pgname.Table, columns catalog.OutboxColumns) (bool, error) {
	exists, err := queryBool(ctx, conn, `SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = $1 AND c.relname = $2)`, table.Schema, table.Name)
	if err != nil {
		return false, postgres.Classify("look for table "+table.String(), err)
	}
	return create(ctx, conn, exists, "create table "+table.String(), CreateTableSQL(table, columns))
}

// CreatePublication publishes the inserts of the table, through its root if it is
// partitioned, and its stored generated columns if one of them is in use. It reports
// whether it created the publication; one that exists is neither touched nor checked.
// Create it before the slot: decoding looks a publication up as of the WAL position that
// it reads, so a slot that is older than its publication cannot be read. mark is the comment
// that the publication has until FinishPublication, if there never was a slot; "" for none.
func CreatePublication(ctx context.Context, conn *pgx.Conn, publication string, table pgname.Table,
	columns catalog.OutboxColumns, mark string,
) (bool, error) {
	op := "create publication " + pgname.QuoteIfNeeded(publication)
	exists, err := queryBool(ctx, conn, "SELECT EXISTS (SELECT FROM pg_publication WHERE pubname = $1)", publication)
	if err != nil {
		return false, postgres.Classify(op, err)
	}
	options, err := publicationOptions(ctx, conn, table, columns)
	if err != nil {
		return false, postgres.Classify(op, err)
	}
	sql := CreatePublicationSQL(publication, table, options)
	if mark != "" {
		sql += "; " + CommentSQL(publication, mark) // in one transaction: both or none
	}
	return create(ctx, conn, exists, op, sql)
}

// publicationOptions returns what the table needs. Before Postgres 18 no publication
// publishes generated columns.
func publicationOptions(ctx context.Context, conn *pgx.Conn, table pgname.Table,
	columns catalog.OutboxColumns,
) (o PublicationOptions, err error) {
	err = conn.QueryRow(ctx, `SELECT coalesce(bool_or(c.relkind = 'p'), false),
		current_setting('server_version_num')::int >= 180000 AND coalesce(bool_or(EXISTS (SELECT FROM pg_attribute a
			WHERE a.attrelid = c.oid AND NOT a.attisdropped AND a.attgenerated = 's' AND a.attname = ANY ($3::text[]))), false)
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = $1 AND c.relname = $2`, table.Schema, table.Name, columns.Names()).Scan(&o.ViaRoot, &o.Generated)
	return o, err
}

// create runs a CREATE unless the object exists. That another session created it
// in between is no failure.
func create(ctx context.Context, conn *pgx.Conn, exists bool, op, sql string) (bool, error) {
	if exists {
		return false, nil
	}
	_, err := conn.Exec(ctx, sql)
	if err == nil {
		return true, nil
	}
	err = postgres.Classify(op, err)
	if postgres.KindOf(err) == postgres.Exists {
		return false, nil
	}
	return false, err
}

func queryBool(ctx context.Context, conn *pgx.Conn, sql string, args ...any) (bool, error) {
	var b bool
	err := conn.QueryRow(ctx, sql, args...).Scan(&b)
	return b, err
}

// CreatedSlot is what creating a slot gave.
type CreatedSlot struct {
	Created         bool         // false: a slot of that name was there, and is not judged
	ConsistentPoint pgoutput.LSN // what commits after this position is streamed; 0 when not created

	// Snapshot is the name of the exported snapshot: it shows what was committed before
	// ConsistentPoint. "" when none was asked for.
	Snapshot string
}

// slotOptions are what a slot is created with.
type slotOptions struct {
	failover bool // needs Postgres 17
	snapshot bool // export one
}

// CreateSlot creates the logical slot unless one of that name is there, over a
// replication connection. It waits for every transaction that is writing to end,
// prepared ones too. When ctx ends, the server is asked to cancel, so that no
// slot appears later; the connection stays usable unless that goes unanswered.
func CreateSlot(ctx context.Context, conn *pgconn.PgConn, slot string, failover bool) (CreatedSlot, error) {
	made, err := createSlot(ctx, conn, slot, slotOptions{failover: failover})
	if postgres.KindOf(err) == postgres.Exists {
		return CreatedSlot{}, nil
	}
	return made, err
}

// CreateSlotWithSnapshot is CreateSlot for a slot that must not be there yet. It exports
// the snapshot that fits the slot, which is valid until the next command on conn; a
// transaction that has taken the snapshot keeps it.
func CreateSlotWithSnapshot(ctx context.Context, conn *pgconn.PgConn, slot string) (CreatedSlot, error) {
	return createSlot(ctx, conn, slot, slotOptions{snapshot: true})
}

func createSlot(ctx context.Context, conn *pgconn.PgConn, slot string, o slotOptions) (CreatedSlot, error) {
	op := "create slot " + slot
	if !catalog.ValidSlotName(slot) {
		return CreatedSlot{}, &postgres.Error{
			Kind: postgres.Configuration, Op: op, Text: "a slot's name has 1 to 63 characters of a-z, 0-9 and _",
		}
	}
	major, err := postgres.MajorVersion(conn)
	if err != nil {
		return CreatedSlot{}, &postgres.Error{Kind: postgres.Unexpected, Op: op, Text: err.Error()}
	}
	if o.failover && major < 17 {
		return CreatedSlot{}, &postgres.Error{
			Kind: postgres.Unsupported, Op: op, Text: fmt.Sprintf("failover slots need Postgres 17, this is %d", major),
			Hint: "set postgres.failover: false",
		}
	}
	rows, err := postgres.ExecCancelable(ctx, conn, createSlotCommand(slot, o, major))
	if err != nil {
		err = postgres.Classify(op, err)
		if ctx.Err() != nil && postgres.KindOf(err) != postgres.Exists {
			return CreatedSlot{}, &postgres.Error{
				Kind: postgres.Canceled, Op: op, Text: "gave up while a transaction that was writing had not ended",
				Hint: "look for old transactions in pg_stat_activity and pg_prepared_xacts", Cause: ctx.Err(),
			}
		}
		return CreatedSlot{}, err
	}
	if len(rows) != 1 || len(rows[0]) < 3 { // slot_name, consistent_point, snapshot_name, output_plugin
		return CreatedSlot{}, &postgres.Error{Kind: postgres.Unexpected, Op: op, Text: "the server did not answer with a row of the slot"}
	}
	lsn, err := pgoutput.ParseLSN(string(rows[0][1]))
	if err != nil {
		return CreatedSlot{}, &postgres.Error{Kind: postgres.Unexpected, Op: op, Text: err.Error()}
	}
	return CreatedSlot{Created: true, ConsistentPoint: lsn, Snapshot: string(rows[0][2])}, nil
}
