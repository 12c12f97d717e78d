package table

// These write the statements that give a table, under its final name, what the table before
// it had.

// protectionQuery is for row-level security, its policies, and triggers, which are there
// but may be disabled.
const protectionQuery = `
	SELECT 1 AS step, format('ALTER TABLE %I.%I %s', n.nspname, c.relname, v.clause) AS text
	FROM pair JOIN pg_class c ON c.oid = old JOIN pg_namespace n ON n.oid = c.relnamespace,
	LATERAL (VALUES ('ENABLE ROW LEVEL SECURITY', c.relrowsecurity), ('FORCE ROW LEVEL SECURITY',
		c.relforcerowsecurity)) AS v (clause, wanted)
	WHERE v.wanted
	UNION ALL
	SELECT 2, format('CREATE POLICY %I ON %I.%I AS %s FOR %s TO %s%s%s', l.polname, n.nspname, c.relname,
		CASE WHEN l.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
		CASE l.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
		(SELECT string_agg(CASE role WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(role)) END, ', ')
			FROM unnest(l.polroles) AS role),
		' USING (' || pg_get_expr(l.polqual, old) || ')', ' WITH CHECK (' || pg_get_expr(l.polwithcheck, old) || ')')
	FROM pair JOIN pg_class c ON c.oid = old JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_policy l ON l.polrelid = old
	WHERE NOT EXISTS (SELECT FROM pg_policy m WHERE m.polrelid = new AND m.polname = l.polname)
	UNION ALL
	SELECT 3, format('ALTER TABLE %I.%I %s TRIGGER %I', n.nspname, c.relname, CASE g.tgenabled WHEN 'D' THEN 'DISABLE'
		WHEN 'R' THEN 'ENABLE REPLICA' WHEN 'A' THEN 'ENABLE ALWAYS' ELSE 'ENABLE' END, g.tgname)
	FROM pair JOIN pg_class c ON c.oid = old JOIN pg_namespace n ON n.oid = c.relnamespace
	JOIN pg_trigger g ON g.tgrelid = old AND NOT g.tgisinternal JOIN pg_trigger h ON h.tgrelid = new AND h.tgname = g.tgname
	WHERE g.tgenabled <> h.tgenabled`

// grantsQuery is for rights: on tables, columns, and sequences of identity columns. All
// that the new table has are revoked first, as default privileges may have given others.
// The right to grant comes last for roles that we act for: a grant would be theirs then,
// and not the owner's.
const grantsQuery = `
	SELECT CASE WHEN r.is_grantable AND r.grantee NOT IN (0, c.relowner) AND pg_has_role(current_user, r.grantee, 'USAGE') THEN 7
		ELSE 4 + r.step END, format('%s ON %s %I.%I %s %s%s', r.verb, k.word, n.nspname, c.relname, r.preposition,
		CASE r.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(r.grantee)) END,
		CASE WHEN r.is_grantable THEN ' WITH GRANT OPTION' END)
	FROM (
		SELECT old, new FROM pair
		UNION ALL
		SELECT pg_get_serial_sequence(old::regclass::text, a.attname)::regclass, pg_get_serial_sequence(new::regclass::text,
			a.attname)::regclass
		FROM pair JOIN pg_attribute a ON a.attrelid = old AND a.attidentity <> ''
		JOIN pg_attribute b ON b.attrelid = new AND b.attname = a.attname AND b.attidentity <> ''
	) AS p JOIN pg_class c ON c.oid = p.old JOIN pg_class d ON d.oid = p.new JOIN pg_namespace n ON n.oid = c.relnamespace,
	LATERAL (SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS word, CASE c.relkind WHEN 'S' THEN 's'
		ELSE 'r' END::"char" AS kind)
		AS k,
	LATERAL (
		SELECT DISTINCT 0 AS step, 'REVOKE ALL' AS verb, 'FROM' AS preposition, grantee, false AS is_grantable
		FROM aclexplode(coalesce(d.relacl, acldefault(k.kind, d.relowner)))
		WHERE c.relacl::text IS DISTINCT FROM d.relacl::text
		UNION ALL
		SELECT 1, 'GRANT ' || privilege_type, 'TO', grantee, is_grantable FROM aclexplode(coalesce(c.relacl, acldefault(k.kind,
			c.relowner)))
		WHERE c.relacl::text IS DISTINCT FROM d.relacl::text
		UNION ALL
		SELECT 2, format('GRANT %s (%I)', privilege_type, a.attname), 'TO', grantee, is_grantable
		FROM pg_attribute a, LATERAL aclexplode(a.attacl)
		WHERE a.attrelid = p.old AND NOT a.attisdropped
			AND EXISTS (SELECT FROM pg_attribute b WHERE b.attrelid = p.new AND b.attname = a.attname AND NOT b.attisdropped)
	) AS r`

// settingsQuery is for storage parameters, replica identity, CLUSTER, and what the planner
// is told about columns.
const settingsQuery = `
	SELECT 8, format('ALTER TABLE %I.%I %s', n.nspname, c.relname, v.clause)
	FROM pair p JOIN pg_class c ON c.oid = p.old JOIN pg_namespace n ON n.oid = c.relnamespace,
	LATERAL (
		SELECT 'SET (' || array_to_string(c.reloptions, ', ') || ')' AS clause
		UNION ALL
		SELECT 'SET (' || (SELECT string_agg('toast.' || option, ', ') FROM unnest(s.reloptions) AS option) || ')'
		FROM pg_class s WHERE s.oid = c.reltoastrelid
		UNION ALL
		SELECT CASE c.relreplident WHEN 'f' THEN 'REPLICA IDENTITY FULL' WHEN 'n' THEN 'REPLICA IDENTITY NOTHING' END
		UNION ALL
		SELECT format('REPLICA IDENTITY USING INDEX %I', i.name) FROM idx i WHERE i.relation = p.old AND i.indisreplident
		UNION ALL
		SELECT format('CLUSTER ON %I', i.name) FROM idx i WHERE i.relation = p.old AND i.indisclustered
		UNION ALL
		SELECT format('ALTER COLUMN %I %s', a.attname, w.clause) FROM pg_attribute a JOIN col b ON b.relation = p.new
			AND b.name = a.attname,
		LATERAL (VALUES ('SET STATISTICS ' || nullif(a.attstattarget, -1)), ('SET (' || array_to_string(a.attoptions, ', ')
			|| ')')) AS w (clause)
		WHERE a.attrelid = p.old AND a.attnum > 0 AND w.clause IS NOT NULL
	) AS v
	WHERE v.clause IS NOT NULL`

// commentsQuery is for comments and security labels. LIKE copies some of the comments; a
// table that was created by hand has none.
const commentsQuery = `
	SELECT 9, format('COMMENT ON %s IS %L', v.object, v.description)
	FROM pair p JOIN pg_class c ON c.oid = p.old JOIN pg_namespace n ON n.oid = c.relnamespace,
	LATERAL (
		SELECT format('TABLE %I.%I', n.nspname, c.relname) AS object, obj_description(p.old, 'pg_class') AS description
		UNION ALL
		SELECT format('COLUMN %I.%I.%I', n.nspname, c.relname, a.attname), col_description(p.old, a.attnum)
		FROM pg_attribute a JOIN col b ON b.relation = p.new AND b.name = a.attname WHERE a.attrelid = p.old AND a.attnum > 0
		UNION ALL
		SELECT format('POLICY %I ON %I.%I', l.polname, n.nspname, c.relname), obj_description(l.oid, 'pg_policy')
		FROM pg_policy l WHERE l.polrelid = p.old
		UNION ALL
		SELECT format('CONSTRAINT %I ON %I.%I', a.name, n.nspname, c.relname), obj_description(a.id, 'pg_constraint')
		FROM con a JOIN con b ON b.relation = p.new AND (b.definition, b.nth) = (a.definition, a.nth) WHERE a.relation = p.old
		UNION ALL
		SELECT format('INDEX %I.%I', n.nspname, a.name), obj_description(a.id, 'pg_class')
		FROM idx a JOIN idx b ON b.relation = p.new AND (b.definition, b.nth) = (a.definition, a.nth) WHERE a.relation = p.old
	) AS v
	WHERE v.description IS NOT NULL
	UNION ALL
	SELECT 10, format('SECURITY LABEL FOR %I ON %s%I.%I%s IS %L', s.provider, CASE s.objsubid WHEN 0 THEN 'TABLE ' ELSE 'COLUMN ' END,
		n.nspname, c.relname, '.' || quote_ident(a.attname), s.label)
	FROM pair p JOIN pg_class c ON c.oid = p.old JOIN pg_namespace n ON n.oid = c.relnamespace
	JOIN pg_seclabel s ON s.classoid = 'pg_class'::regclass AND s.objoid = p.old
	LEFT JOIN pg_attribute a ON a.attrelid = p.old AND a.attnum = s.objsubid AND s.objsubid > 0`
