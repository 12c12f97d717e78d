package table

import "context"

// Obstacles returns what the tables in use have that cannot be on tables that take their
// place, each with what to do.
func Obstacles(ctx context.Context, tx Tx, all []Pair) ([]string, error) {
	return ask(ctx, tx, all, `, answer AS (`+kindQuery+` UNION ALL `+dependentsQuery+` UNION ALL `+attachedQuery+`)`)
}

// kindQuery names tables that are none, or not ordinary ones, or not ours.
const kindQuery = `
	SELECT ord AS step, format('table %s does not exist', name) AS text FROM pair WHERE old IS NULL
	UNION ALL
	SELECT ord, format('%s is no ordinary table: Rebuild makes no partitioned tables, views, temporary or foreign tables', name)
	FROM pair JOIN pg_class c ON c.oid = old WHERE c.relkind <> 'r' OR c.relpersistence = 't'
	UNION ALL
	SELECT ord, format('table %s inherits from, or is a partition of table %s', name, i.inhparent::regclass)
	FROM pair JOIN pg_inherits i ON i.inhrelid = old
	UNION ALL
	SELECT ord, format('table %s inherits from, or is a partition of table %s', i.inhrelid::regclass, name)
	FROM pair JOIN pg_inherits i ON i.inhparent = old
	UNION ALL
	SELECT ord, format('table %s belongs to role %I, and role %I is not a member of it', name, pg_get_userbyid(c.relowner), current_user)
	FROM pair JOIN pg_class c ON c.oid = old WHERE NOT pg_has_role(current_user, c.relowner, 'USAGE')
	UNION ALL
	SELECT ord, format('table %s is in another schema than table %s: drop it', new::regclass, old::regclass)
	FROM pair JOIN pg_class c ON c.oid = old JOIN pg_class d ON d.oid = new WHERE c.relnamespace <> d.relnamespace`

// dependentsQuery names what depends on the tables or on their row types: views, functions,
// foreign keys of other tables. What is part of one of the tables goes with it.
const dependentsQuery = `
	SELECT DISTINCT p.ord, format('%s depends on table %s: drop it before the rebuild, and create it again after it',
		coalesce(pg_describe_object('pg_class'::regclass, r.ev_class, 0), pg_describe_object(d.classid, d.objid, d.objsubid)), p.name)
	FROM pair p JOIN pg_class c ON c.oid = p.old JOIN pg_type t ON t.oid = c.reltype
	JOIN pg_depend d ON d.deptype = 'n' AND (d.refclassid = 'pg_class'::regclass AND d.refobjid = p.old
		OR d.refclassid = 'pg_type'::regclass AND d.refobjid IN (t.oid, t.typarray))
	LEFT JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
	WHERE NOT EXISTS (SELECT FROM pg_depend o WHERE (o.classid, o.objid) = (d.classid, d.objid) AND o.deptype IN ('a', 'i')
		AND o.refclassid = 'pg_class'::regclass AND o.refobjid IN (SELECT old FROM pair))`

// attachedQuery names what is attached to the tables, and tells others what is written.
const attachedQuery = `
	SELECT ord, format('rule %I is on table %s: drop it before the rebuild, and create it again after it', r.rulename, name)
	FROM pair JOIN pg_rewrite r ON r.ev_class = old WHERE r.rulename <> '_RETURN'
	UNION ALL
	SELECT ord, format('table %s is in publication %I, whose subscribers would not get the rebuilt rows: ALTER PUBLICATION %2$I DROP '
		'TABLE %1$s before the rebuild, and ADD it after it', name, u.pubname)
	FROM pair JOIN pg_publication_rel m ON m.prrelid = old JOIN pg_publication u ON u.oid = m.prpubid
	UNION ALL
	SELECT ord, format('trigger %I is on table %s and not on %s, which you then make before the rebuild: CREATE TABLE %3$s (LIKE %2$s '
		'INCLUDING ALL), and the trigger on it. Let it be enabled if it changes the rows, and disable it if it tells others: the rebuild '
		'enables it at its end', g.tgname, name, new_name)
	FROM pair JOIN pg_trigger g ON g.tgrelid = old
	WHERE NOT g.tgisinternal AND NOT EXISTS (SELECT FROM pg_trigger h WHERE h.tgrelid = new AND h.tgname = g.tgname)`

// Lacks returns the columns, constraints, indexes and statistics of the tables in use that
// the new tables do not have in the same form.
func Lacks(ctx context.Context, tx Tx, all []Pair) ([]string, error) {
	return ask(ctx, tx, all, `, `+columns+`, `+constraints+`, `+indexes+`, answer AS (
	SELECT p.ord AS step, CASE WHEN b.name IS NULL THEN format('table %s has no column %I', p.new_name, a.name)
		ELSE format('column %I of table %s is %s, and of table %s %s', a.name, p.new_name, b.definition, p.name, a.definition) END AS text
	FROM pair p JOIN col a ON a.relation = p.old LEFT JOIN col b ON b.relation = p.new AND b.name = a.name
	WHERE b.definition IS DISTINCT FROM a.definition
	UNION ALL
	SELECT p.ord, format('table %s lacks the constraint %I of table %s: %s', p.new_name, a.name, p.name, a.definition)
	FROM pair p JOIN con a ON a.relation = p.old
	LEFT JOIN con b ON b.relation = p.new AND (b.definition, b.nth) = (a.definition, a.nth)
	WHERE b.id IS NULL AND a.kind <> 'n'
	UNION ALL
	SELECT p.ord, format('table %s lacks the index %I of table %s: %s', p.new_name, a.name, p.name,
		btrim(replace(a.definition, '  ', ' ')))
	FROM pair p JOIN idx a ON a.relation = p.old
	LEFT JOIN idx b ON b.relation = p.new AND (b.definition, b.nth) = (a.definition, a.nth)
	WHERE b.id IS NULL AND NOT a.constrains
	UNION ALL
	SELECT p.ord, format('table %s lacks the statistics %I of table %s: %s', p.new_name, a.stxname, p.name, pg_get_statisticsobjdef(a.oid))
	FROM pair p JOIN pg_statistic_ext a ON a.stxrelid = p.old
	WHERE NOT EXISTS (SELECT FROM pg_statistic_ext b WHERE b.stxrelid = p.new AND b.stxkind = a.stxkind
		AND pg_get_statisticsobjdef_columns(b.oid) = pg_get_statisticsobjdef_columns(a.oid))
)`)
}
