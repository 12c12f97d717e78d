package table

import (
	"context"
	"slices"
	"strings"
)

// Create creates the new tables that are missing, each like the table in use and in its
// schema: with its foreign keys, which hold from the beginning, and for its owner alone.
func Create(ctx context.Context, tx Tx, all []Pair) error {
	statements, err := ask(ctx, tx, all, createQuery)
	if err != nil || len(statements) == 0 {
		return err
	}
	missing, err := ask(ctx, tx, all, `, answer AS (SELECT ord AS step, new_name AS text FROM pair WHERE new IS NULL)`)
	if err != nil {
		return err
	}
	if err := run(ctx, tx, statements); err != nil {
		return err
	}
	created := slices.DeleteFunc(slices.Clone(all), func(p Pair) bool { return !slices.Contains(missing, p.New) })
	if statements, err = ask(ctx, tx, all, foreignKeysQuery(created)); err != nil {
		return err
	}
	rest, err := ask(ctx, tx, created, completeQuery)
	if err != nil {
		return err
	}
	return run(ctx, tx, append(statements, rest...))
}

// createQuery writes the statements that create.
const createQuery = `, answer AS (
	SELECT ord AS step, format('CREATE %sTABLE %I.%s (LIKE %s INCLUDING ALL) USING %I%s', CASE c.relpersistence WHEN 'u'
		THEN 'UNLOGGED ' END,
		n.nspname, substring(new_name FROM '[^.]*$'), old::regclass, m.amname, ' TABLESPACE ' || quote_ident(s.spcname)) AS text
	FROM pair JOIN pg_class c ON c.oid = old JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_am m ON m.oid = c.relam
	LEFT JOIN pg_tablespace s ON s.oid = c.reltablespace
	WHERE new IS NULL
)`

// foreignKeysQuery writes those that give the created tables their foreign keys. What
// refers to a table that is made anew refers to the new one.
func foreignKeysQuery(created []Pair) string {
	var names []string
	for _, p := range created {
		names = append(names, p.New)
	}
	return `, ` + constraints + `, answer AS (
	SELECT p.ord AS step, format('ALTER TABLE %s ADD CONSTRAINT %I %s', p.new::regclass, k.name, k.definition) AS text
	FROM pair p JOIN con k ON k.relation = p.old
	WHERE k.kind = 'f' AND p.new_name = ANY ('{` + strings.Join(names, ",") + `}'::text[])
)`
}

// completeQuery writes what makes the created tables complete. Default privileges may have
// given rights on them that nobody has on the tables in use.
const completeQuery = `, answer AS (
	SELECT 1 AS step, format('REVOKE ALL ON TABLE %s FROM %s', new::regclass, CASE g.grantee WHEN 0 THEN 'PUBLIC'
		ELSE quote_ident(pg_get_userbyid(g.grantee)) END) AS text
	FROM pair JOIN pg_class c ON c.oid = new, LATERAL (SELECT DISTINCT grantee FROM aclexplode(c.relacl)) AS g
	WHERE g.grantee <> c.relowner
	UNION ALL
	SELECT 2, format('ALTER TABLE %s SET (%s)', new::regclass, array_to_string(c.reloptions, ', '))
	FROM pair JOIN pg_class c ON c.oid = old WHERE c.reloptions IS NOT NULL
	UNION ALL
	SELECT 3, format('ALTER TABLE %s OWNER TO %I', new::regclass, pg_get_userbyid(c.relowner))
	FROM pair JOIN pg_class c ON c.oid = old JOIN pg_class d ON d.oid = new WHERE c.relowner <> d.relowner
)`
