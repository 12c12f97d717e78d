package table

import (
	"context"
	"strings"
)

// Exchange drops the tables in use, and gives the new ones their names and all that they
// have: owner, rights, policies, names of indexes and constraints, comments. Readers wait
// until the transaction has ended, and see either the one or the other.
func Exchange(ctx context.Context, tx Tx, all []Pair) error {
	if err := lock(ctx, tx, all); err != nil {
		return err
	}
	before, err := ask(ctx, tx, all, beforeQuery)
	if err != nil {
		return err
	}
	if err := run(ctx, tx, before); err != nil {
		return err
	}
	renames, err := ask(ctx, tx, all, renameQuery)
	if err != nil {
		return err
	}
	after, err := ask(ctx, tx, all, `, `+columns+`, `+constraints+`, `+indexes+`, answer AS (`+protectionQuery+` UNION ALL `+
		grantsQuery+` UNION ALL `+settingsQuery+` UNION ALL `+commentsQuery+`)`)
	if err != nil {
		return err
	}
	names, err := ask(ctx, tx, all, `, `+constraints+`, `+indexes+`, answer AS (`+namesQuery+`)`)
	if err != nil {
		return err
	}
	var olds []string
	for _, p := range all {
		olds = append(olds, p.Old)
	}
	drop := []string{"DROP TABLE " + strings.Join(olds, ", ")} // one statement: they may refer to each other
	for _, statements := range [][]string{drop, renames, names, after} {
		if err := run(ctx, tx, statements); err != nil {
			return err
		}
	}
	return nil
}

// lock keeps what the tables have as it is until the transaction ends.
func lock(ctx context.Context, tx Tx, all []Pair) error {
	var names []string
	for _, p := range all {
		names = append(names, p.Old, p.New)
	}
	return run(ctx, tx, []string{"LOCK TABLE " + strings.Join(names, ", ") + " IN ACCESS EXCLUSIVE MODE"})
}

// beforeQuery writes what comes before the drop. A sequence that belongs to a column in use
// would be dropped with it, and a default of the new table draws from it.
const beforeQuery = `, answer AS (
	SELECT 1 AS step, format('ALTER TABLE %s OWNER TO %I', new::regclass, pg_get_userbyid(c.relowner)) AS text
	FROM pair JOIN pg_class c ON c.oid = old JOIN pg_class d ON d.oid = new WHERE c.relowner <> d.relowner
	UNION ALL
	SELECT 2, format('ALTER SEQUENCE %s OWNED BY %s.%I', s.oid::regclass, new::regclass, a.attname)
	FROM pair JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = old AND d.deptype = 'a'
	JOIN pg_class s ON d.classid = 'pg_class'::regclass AND s.oid = d.objid AND s.relkind = 'S'
	JOIN pg_attribute a ON a.attrelid = old AND a.attnum = d.refobjsubid
	WHERE EXISTS (SELECT FROM pg_attribute b WHERE b.attrelid = new AND b.attname = a.attname AND NOT b.attisdropped)
)`

// renameQuery writes what gives the new tables their names.
const renameQuery = `, answer AS (
	SELECT ord AS step, format('ALTER TABLE %s RENAME TO %I', new::regclass, c.relname) AS text FROM pair JOIN pg_class c ON c.oid = old
)`

// namesQuery writes what gives indexes, constraints, statistics and sequences their names.
const namesQuery = `
	SELECT 1 AS step, format('ALTER INDEX %I.%I RENAME TO %I', b.schema, b.name, a.name) AS text
	FROM pair p JOIN idx a ON a.relation = p.old JOIN idx b ON b.relation = p.new AND (b.definition, b.nth) = (a.definition, a.nth)
	WHERE b.name <> a.name
	UNION ALL
	SELECT 2, format('ALTER TABLE %I.%I RENAME CONSTRAINT %I TO %I', n.nspname, c.relname, b.name, a.name)
	FROM pair p JOIN pg_class c ON c.oid = p.old JOIN pg_namespace n ON n.oid = c.relnamespace
	JOIN con a ON a.relation = p.old JOIN con b ON b.relation = p.new AND (b.definition, b.nth) = (a.definition, a.nth)
	WHERE b.name <> a.name AND a.kind IN ('c', 'f', 'n')
	UNION ALL
	SELECT 3, format('ALTER STATISTICS %I.%I RENAME TO %I', n.nspname, b.stxname, a.stxname)
	FROM pair p JOIN pg_statistic_ext a ON a.stxrelid = p.old JOIN pg_statistic_ext b ON b.stxrelid = p.new
	JOIN pg_namespace n ON n.oid = b.stxnamespace
	WHERE a.stxname <> b.stxname AND a.stxkind = b.stxkind
		AND pg_get_statisticsobjdef_columns(a.oid) = pg_get_statisticsobjdef_columns(b.oid)
	UNION ALL
	SELECT 4, format('ALTER SEQUENCE %I.%I RENAME TO %I', n.nspname, t.relname, s.relname)
	FROM pair p JOIN pg_attribute a ON a.attrelid = p.old AND a.attidentity <> ''
	JOIN pg_attribute b ON b.attrelid = p.new AND b.attname = a.attname AND b.attidentity <> ''
	JOIN pg_class s ON s.oid = pg_get_serial_sequence(p.old::regclass::text, a.attname)::regclass
	JOIN pg_class t ON t.oid = pg_get_serial_sequence(p.new::regclass::text, b.attname)::regclass
	JOIN pg_namespace n ON n.oid = t.relnamespace
	WHERE s.relname <> t.relname`
