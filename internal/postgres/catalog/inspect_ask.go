package catalog

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/walpost/walpost/internal/pgname"
	"github.com/walpost/walpost/internal/postgres"
)

// Refusal is a question of an inspection that the server did not answer. Nothing
// that follows from it is judged.
type Refusal struct {
	Question string   // what was asked
	Objects  []string // the functions and views that the role may not use, as GRANT takes them; empty: another reason
	Reason   string
	Needed   bool // the start of `run` needs the answer
}

// Question is a part of an inspection that is asked by itself.
type Question struct {
	name             string
	needed           bool
	ask              func(ctx context.Context, tx pgx.Tx) error
	Views, Functions []string // of pg_catalog, that may be withheld from a role
}

// The names of the questions that others depend on.
const (
	QuestionRole        = "role"
	QuestionSenders     = "max_wal_senders"
	QuestionSlots       = "max_replication_slots"
	QuestionPrepared    = "prepared transactions"
	QuestionTable       = "table"
	QuestionWriters     = "message writers"
	QuestionPublication = "publication"
	QuestionSlot        = "slot"
)

// Questions returns what an inspection asks of a primary, in the order of their needs.
func (i *Inspection) Questions() []Question {
	list := []Question{
		{QuestionRole, false, i.readRole, []string{"pg_roles"}, []string{"pg_has_role", "has_database_privilege"}},
		{QuestionSenders, false, func(ctx context.Context, tx pgx.Tx) error {
			return tx.QueryRow(ctx, "SELECT count(*) FROM pg_stat_replication", postgres.Once).Scan(&i.Server.UsedWALSenders)
		}, []string{"pg_stat_replication"}, nil},
		{QuestionSlots, false, func(ctx context.Context, tx pgx.Tx) error {
			return tx.QueryRow(ctx, "SELECT count(*) FROM pg_replication_slots", postgres.Once).Scan(&i.Server.UsedSlots)
		}, []string{"pg_replication_slots"}, nil},
		{QuestionPrepared, false, i.readPrepared, []string{"pg_prepared_xacts"}, nil},
	}
	if i.Names.Table.IsZero() {
		list = append(list, Question{QuestionWriters, true, func(ctx context.Context, tx pgx.Tx) (err error) {
			i.Writers, err = readMessageWriters(ctx, tx)
			return err
		}, []string{"pg_roles"}, nil})
	} else {
		list = append(list, Question{QuestionTable, true, func(ctx context.Context, tx pgx.Tx) (err error) {
			i.Table, err = readTable(ctx, tx, i.Names.Table)
			return err
		}, nil, []string{
			"pg_has_role", "has_table_privilege", "pg_partition_ancestors",
			"pg_partition_root", "pg_partition_tree", "format_type", "pg_get_expr",
		}})
	}
	return append(list,
		Question{QuestionPublication, true, func(ctx context.Context, tx pgx.Tx) (err error) {
			i.Publication, err = readPublication(ctx, tx, i.Names, i.Table)
			return err
		}, []string{"pg_publication_tables"}, []string{"pg_has_role", "obj_description"}},
		Question{QuestionSlot, true, func(ctx context.Context, tx pgx.Tx) (err error) {
			i.Slot, err = FindSlot(ctx, tx, i.Names.Slot)
			return err
		}, []string{"pg_replication_slots"}, nil},
		Question{"WAL", false, func(ctx context.Context, tx pgx.Tx) error {
			end, err := readWALEnd(ctx, tx)
			if err == nil && i.Slot != nil {
				i.Slot.measure(end)
			}
			return err
		}, nil, []string{"pg_current_wal_lsn"}},
	)
}

// refused reports whether err is an answer to what was asked, and not the end of the
// connection or of the wait for it.
func refused(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && pg.Severity != "FATAL" && pg.SeverityUnlocalized != "FATAL" && pg.Code != "57014"
}

// ask asks one question, behind a savepoint: a transaction takes no other statement
// after an error.
func (i *Inspection) ask(ctx context.Context, tx pgx.Tx, q Question) error {
	op := "read " + q.name
	asked := try(ctx, tx, func(sub pgx.Tx) error { return q.ask(ctx, sub) })
	if asked == nil {
		return nil
	}
	pg, _ := errors.AsType[*pgconn.PgError](asked)
	withheldFrom := pg != nil && pg.Code == "42501"
	if !refused(asked) || q.needed && !withheldFrom {
		return postgres.Classify(op, asked)
	}
	r := Refusal{Question: q.name, Needed: q.needed, Reason: postgres.Classify(op, asked).Error()}
	if withheldFrom {
		var err error
		if r.Objects, err = withheld(ctx, tx, q); err != nil {
			return postgres.Classify(op, err)
		}
	}
	i.Refused = append(i.Refused, r)
	return nil
}

// withheldQuery finds functions in all their forms.
const withheldQuery = `
SELECT p.oid::regprocedure::text FROM pg_proc p
WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.proname = ANY($1) AND NOT has_function_privilege(p.oid, 'EXECUTE')
ORDER BY 1`

// withheld returns those of the objects that the role may not use. Views are tried one
// by one, for the function that tells may be withheld too.
func withheld(ctx context.Context, tx pgx.Tx, q Question) (list []string, err error) {
	for _, view := range q.Views {
		err := try(ctx, tx, func(sub pgx.Tx) error {
			_, err := sub.Exec(ctx, "SELECT FROM pg_catalog."+view+" LIMIT 0", postgres.Once)
			return err
		})
		switch {
		case err == nil:
		case refused(err):
			list = append(list, "SELECT ON pg_catalog."+view)
		default:
			return nil, err
		}
	}
	err = try(ctx, tx, func(sub pgx.Tx) error {
		rows, err := sub.Query(ctx, withheldQuery, postgres.Once, q.Functions)
		if err != nil {
			return err
		}
		functions, err := pgx.CollectRows(rows, pgx.RowTo[string])
		for _, f := range functions {
			list = append(list, "EXECUTE ON FUNCTION pg_catalog."+f)
		}
		return err
	})
	if err != nil && !refused(err) {
		return nil, err
	}
	return list, nil
}

// try runs something behind a savepoint, and takes back what failed.
func try(ctx context.Context, tx pgx.Tx, run func(sub pgx.Tx) error) error {
	sub, err := tx.Begin(ctx)
	if err != nil {
		return err
	}
	if err := run(sub); err != nil {
		if refused(err) {
			return errors.Join(err, sub.Rollback(ctx))
		}
		return err
	}
	return sub.Commit(ctx)
}

// Knows reports whether a question was answered.
func (i *Inspection) Knows(name string) bool {
	return !slices.ContainsFunc(i.Refused, func(r Refusal) bool { return r.Question == name })
}

// GrantSQL is the SQL that gives the role what is withheld from it.
func (i *Inspection) GrantSQL(objects ...string) string {
	var list []string
	for _, object := range objects {
		list = append(list, "GRANT "+object+" TO "+pgname.Quote(i.Role.Name))
	}
	return strings.Join(list, "; ")
}
