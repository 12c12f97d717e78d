package replication

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Refusal is a question of an inspection that the server did not answer. Nothing
// that follows from it is judged.
type Refusal struct {
	Question string   // what was asked
	Objects  []string // the functions and views that the role may not use, as GRANT takes them; empty: another reason
	Reason   string
	Needed   bool // the start of `run` needs the answer
}

// question is a part of an inspection that is asked by itself.
type question struct {
	name             string
	needed           bool
	ask              func(ctx context.Context, tx pgx.Tx) error
	views, functions []string // of pg_catalog, that may be withheld from a role
}

// The names of the questions that others depend on.
const (
	askRole        = "role"
	askSenders     = "max_wal_senders"
	askSlots       = "max_replication_slots"
	askPrepared    = "prepared transactions"
	askTable       = "table"
	askWriters     = "message writers"
	askPublication = "publication"
	askSlot        = "slot"
)

// questions are what an inspection asks of a primary, in the order of their needs.
func (i *Inspection) questions() []question {
	list := []question{
		{askRole, false, i.readRole, []string{"pg_roles"}, []string{"pg_has_role", "has_database_privilege"}},
		{askSenders, false, func(ctx context.Context, tx pgx.Tx) error {
			return tx.QueryRow(ctx, "SELECT count(*) FROM pg_stat_replication", once).Scan(&i.Server.UsedWALSenders)
		}, []string{"pg_stat_replication"}, nil},
		{askSlots, false, func(ctx context.Context, tx pgx.Tx) error {
			return tx.QueryRow(ctx, "SELECT count(*) FROM pg_replication_slots", once).Scan(&i.Server.UsedSlots)
		}, []string{"pg_replication_slots"}, nil},
		{askPrepared, false, i.readPrepared, []string{"pg_prepared_xacts"}, nil},
	}
	if i.Names.Table.IsZero() {
		list = append(list, question{askWriters, true, func(ctx context.Context, tx pgx.Tx) (err error) {
			i.Writers, err = readMessageWriters(ctx, tx)
			return err
		}, []string{"pg_roles"}, nil})
	} else {
		list = append(list, question{askTable, true, func(ctx context.Context, tx pgx.Tx) (err error) {
			i.Table, err = readTable(ctx, tx, i.Names.Table)
			return err
		}, nil, []string{"pg_has_role", "has_table_privilege", "pg_partition_ancestors", "pg_partition_root", "pg_partition_tree", "format_type", "pg_get_expr"}})
	}
	return append(list,
		question{askPublication, true, func(ctx context.Context, tx pgx.Tx) (err error) {
			i.Publication, err = readPublication(ctx, tx, i.Names, i.Table)
			return err
		}, []string{"pg_publication_tables"}, []string{"pg_has_role", "obj_description"}},
		question{askSlot, true, func(ctx context.Context, tx pgx.Tx) (err error) {
			i.Slot, err = readSlot(ctx, tx, i.Names.Slot)
			return err
		}, []string{"pg_replication_slots"}, nil},
		question{"WAL", false, func(ctx context.Context, tx pgx.Tx) error {
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
func (i *Inspection) ask(ctx context.Context, tx pgx.Tx, q question) error {
	op := "read " + q.name
	asked := try(ctx, tx, func(sub pgx.Tx) error { return q.ask(ctx, sub) })
	if asked == nil {
		return nil
	}
	pg, _ := errors.AsType[*pgconn.PgError](asked)
	withheldFrom := pg != nil && pg.Code == "42501"
	if !refused(asked) || q.needed && !withheldFrom {
		return Classify(op, asked)
	}
	r := Refusal{Question: q.name, Needed: q.needed, Reason: Classify(op, asked).Error()}
	if withheldFrom {
		var err error
		if r.Objects, err = withheld(ctx, tx, q); err != nil {
			return Classify(op, err)
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

// withheld gives those of the objects that the role may not use. Views are tried one
// by one, for the function that tells may be withheld too.
func withheld(ctx context.Context, tx pgx.Tx, q question) (list []string, err error) {
	for _, view := range q.views {
		err := try(ctx, tx, func(sub pgx.Tx) error {
			_, err := sub.Exec(ctx, "SELECT FROM pg_catalog."+view+" LIMIT 0", once)
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
		rows, err := sub.Query(ctx, withheldQuery, once, q.functions)
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

// knows reports whether a question was answered.
func (i *Inspection) knows(name string) bool {
	return !slices.ContainsFunc(i.Refused, func(r Refusal) bool { return r.Question == name })
}

// grant is the SQL that gives the role what is withheld from it.
func (i *Inspection) grant(objects ...string) string {
	var list []string
	for _, object := range objects {
		list = append(list, "GRANT "+object+" TO "+Quote(i.Role.Name))
	}
	return strings.Join(list, "; ")
}

// refusedRequirements are one line for each thing that is withheld from the role, and
// for each question that failed for another reason. `run` starts without the answers
// that it does not need.
func (i *Inspection) refusedRequirements() []Requirement {
	var list []Requirement
	add := func(r Refusal, name, fix, detail string) {
		if at := slices.IndexFunc(list, func(q Requirement) bool { return q.Fix == fix }); fix != "" && at >= 0 {
			list[at].Detail += ", " + r.Question
			if r.Needed {
				list[at].State, list[at].Exit = Failed, exitRequirement
			}
			return
		}
		q := warning(name, fix, "%s", detail)
		if r.Needed {
			q.State, q.Exit = Failed, exitRequirement
		}
		list = append(list, q)
	}
	for _, r := range i.Refused {
		for _, object := range r.Objects {
			_, name, _ := strings.Cut(object, "pg_catalog.")
			add(r, name, i.grant(object),
				"role "+displayName(i.Role.Name)+" may not use it, so that there is no answer to: "+r.Question)
		}
		if len(r.Objects) == 0 {
			add(r, r.Question, "", "is not known: "+r.Reason)
		}
	}
	return list
}
