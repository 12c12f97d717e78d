package projection_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/pkg/projection"
)

// as returns the URL of the database for a role.
func (f *fixture) as(t *testing.T, role string) string {
	t.Helper()
	u, err := url.Parse(f.URL)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.User(role)
	return u.String()
}

// roles creates the roles of a test, whose names are its own: roles are of the whole server.
func (f *fixture) roles(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		f.Exec(t, "CREATE ROLE "+name+" LOGIN")
		t.Cleanup(func() {
			_, err := f.Conn.Exec(context.WithoutCancel(t.Context()), "DROP OWNED BY "+name+" CASCADE")
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// described is all that the catalog says about a table, without numbers that are the
// table's own.
const described = `SELECT string_agg(line, E'\n' ORDER BY line) FROM (
	SELECT concat_ws(' ', 'table', relowner::regrole, (SELECT string_agg(item::text, ',' ORDER BY item::text)
		FROM unnest(relacl) AS item),
		relrowsecurity, relforcerowsecurity, relreplident, relpersistence, reloptions::text,
		(SELECT reloptions::text FROM pg_class WHERE oid = c.reltoastrelid), obj_description(oid, 'pg_class')) AS line
		FROM pg_class c WHERE oid = 'totals'::regclass
	UNION ALL SELECT concat_ws(' ', 'column', attname, format_type(atttypid, atttypmod), attnotnull, attidentity, attgenerated,
		attstattarget,
		attoptions::text, attacl::text, col_description(attrelid, attnum), pg_get_serial_sequence('totals', attname), pg_get_expr(adbin,
			adrelid))
		FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
		WHERE attrelid = 'totals'::regclass AND attnum > 0 AND NOT attisdropped
	UNION ALL SELECT concat_ws(' ', 'constraint', conname, pg_get_constraintdef(oid), obj_description(oid, 'pg_constraint'))
		FROM pg_constraint WHERE conrelid = 'totals'::regclass
	UNION ALL SELECT concat_ws(' ', 'index', pg_get_indexdef(indexrelid), indisreplident, indisclustered, obj_description(indexrelid,
		'pg_class'))
		FROM pg_index WHERE indrelid = 'totals'::regclass
	UNION ALL SELECT concat_ws(' ', 'policy', row_to_json(p), obj_description(l.oid, 'pg_policy')) FROM pg_policies p JOIN pg_policy l
		ON l.polname = p.policyname WHERE tablename = 'totals'
	UNION ALL SELECT concat_ws(' ', 'statistics', pg_get_statisticsobjdef(oid)) FROM pg_statistic_ext WHERE stxrelid = 'totals'::regclass
	UNION ALL SELECT concat_ws(' ', 'sequence', relname, (SELECT string_agg(item::text, ',' ORDER BY item::text)
		FROM unnest(relacl) AS item))
		FROM pg_class WHERE relkind = 'S'
) AS lines`

// full makes a table that has everything that a table can have and a rebuild keeps.
func (f *fixture) full(t *testing.T, app, owner, reader string) {
	f.roles(t, app, owner, reader)
	f.Exec(t, "DROP TABLE totals", "GRANT "+owner+" TO "+app, "GRANT CREATE ON SCHEMA public TO "+app+", "+owner,
		"GRANT ALL ON projection_position TO "+app,
		"CREATE TABLE customers (key text PRIMARY KEY)", "INSERT INTO customers VALUES ('k0'), ('k1')",
		"GRANT ALL ON customers TO "+app+", "+owner,
		`CREATE TABLE totals (gone int, id bigserial, "Nth" int GENERATED ALWAYS AS IDENTITY, key text CONSTRAINT "the key" PRIMARY KEY,
			n bigint NOT NULL CONSTRAINT positive CHECK (n > 0), last bigint NOT NULL, wrong bigint NOT NULL DEFAULT 0,
			double bigint GENERATED ALWAYS AS (n * 2) STORED, CONSTRAINT customer FOREIGN KEY (key) REFERENCES customers
				ON DELETE CASCADE)
			WITH (fillfactor = 70, toast.autovacuum_enabled = false)`,
		"ALTER TABLE totals DROP COLUMN gone", "CREATE UNIQUE INDEX by_id ON totals (id)", `CREATE INDEX "Again" ON totals (lower(key),
			n DESC)`,
		`CREATE INDEX again ON totals (lower(key), n DESC)`, "ALTER TABLE totals ADD CONSTRAINT once UNIQUE (last, key) DEFERRABLE",
		"CREATE STATISTICS related ON n, last FROM totals", "ALTER TABLE totals REPLICA IDENTITY USING INDEX by_id",
		"ALTER TABLE totals CLUSTER ON again", "ALTER TABLE totals ALTER n SET STATISTICS 500",
		"ALTER TABLE totals ALTER n SET (n_distinct = 5)",
		"COMMENT ON TABLE totals IS 'it''s'", "COMMENT ON COLUMN totals.n IS 'a count'",
		"COMMENT ON CONSTRAINT positive ON totals IS 'counts'",
		`COMMENT ON INDEX "Again" IS 'twice'`, "ALTER TABLE totals OWNER TO "+owner,
		"GRANT SELECT (key, n), UPDATE (n) ON totals TO "+reader, "GRANT DELETE ON totals TO "+app+" WITH GRANT OPTION",
		"GRANT REFERENCES ON totals TO PUBLIC",
		"REVOKE TRUNCATE ON totals FROM "+owner, `GRANT USAGE ON SEQUENCE totals_id_seq, "totals_Nth_seq" TO `+reader,
		"ALTER TABLE totals ENABLE ROW LEVEL SECURITY", "ALTER TABLE totals FORCE ROW LEVEL SECURITY",
		`CREATE POLICY "seen by" ON totals FOR SELECT TO `+reader+`, `+app+` USING (EXISTS (SELECT FROM customers AS c
			WHERE c.key = totals.key))`,
		"CREATE POLICY hidden ON totals AS RESTRICTIVE USING (key <> 'k1') WITH CHECK (n < 1000)",
		"COMMENT ON POLICY hidden ON totals IS 'not k1'",
		"GRANT SELECT ON customers TO "+reader, "ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO "+reader,
		"ALTER DEFAULT PRIVILEGES FOR ROLE "+app+" GRANT ALL ON TABLES TO "+reader,
		"ALTER DEFAULT PRIVILEGES FOR ROLE "+app+" GRANT ALL ON SEQUENCES TO PUBLIC")
}

// A table that takes another's place has all that this one had, and its readers see what
// they may see.
func TestRebuildKeeps(t *testing.T) {
	t.Parallel()
	for _, major := range []int{14, 18} {
		t.Run(fmt.Sprint(major), func(t *testing.T) {
			t.Parallel()
			server := devstacktest.StartPostgres(t, devstack.PostgresOptions{Major: major})
			f := newFixtureOn(t, devstacktest.CreateDatabase(t, server, "keeps", ""), 1)
			f.full(t, "app", "owner", "reader")
			f.send(t, 2, 1, 10)
			before := devstacktest.Value[string](t, f.Conn, described)
			p, err := projection.New(f.config(t), projection.Pgx(pool{f.as(t, "app")}), apply)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if err := p.Rebuild(t.Context()); err != nil {
					t.Fatal(err)
				}
				f.exact(t, 2, 1, 10)
				if after := devstacktest.Value[string](t, f.Conn, described); after != before {
					t.Fatalf("before\n%s\n\nafter\n%s", before, after)
				}
			}
			f.readsAsBefore(t, "reader")
		})
	}
}

// A table that was created by hand, with names of its own and by another role, gets all that
// the table in use had too.
func TestRebuildKeepsWhatATableMadeByHandHasNot(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	app := "app_" + strings.ReplaceAll(f.Name, "-", "_")
	f.full(t, app, app+"_owner", app+"_reader")
	f.send(t, 2, 1, 10)
	before := devstacktest.Value[string](t, f.Conn, described)
	f.Exec(t, "SET ROLE "+app,
		"CREATE TABLE totals__rebuild (LIKE totals INCLUDING DEFAULTS INCLUDING IDENTITY INCLUDING GENERATED INCLUDING STATISTICS)",
		`ALTER TABLE totals__rebuild ADD CONSTRAINT c1 PRIMARY KEY (key), ADD CONSTRAINT c2 CHECK (n > 0),
			ADD CONSTRAINT c3 UNIQUE (last, key) DEFERRABLE, ADD CONSTRAINT c4 FOREIGN KEY (key) REFERENCES customers ON DELETE CASCADE`,
		"CREATE UNIQUE INDEX i1 ON totals__rebuild (id)", "CREATE INDEX i2 ON totals__rebuild (lower(key), n DESC)",
		"CREATE INDEX i3 ON totals__rebuild (lower(key), n DESC)", "RESET ROLE")
	p, err := projection.New(f.config(t), projection.Pgx(pool{f.as(t, app)}), apply)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.exact(t, 2, 1, 10)
	if after := devstacktest.Value[string](t, f.Conn, described); after != before {
		t.Fatalf("before\n%s\n\nafter\n%s", before, after)
	}
}

// The settings that a table has instead of others.
func TestRebuildKeepsSettings(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	f.send(t, 1, 1, 5)
	p := f.new(t, f.config(t), apply)
	for _, set := range []string{"REPLICA IDENTITY FULL", "REPLICA IDENTITY NOTHING", "SET UNLOGGED"} {
		f.Exec(t, "ALTER TABLE totals "+set)
		before := devstacktest.Value[string](t, f.Conn, described)
		if err := p.Rebuild(t.Context()); err != nil {
			t.Fatal(err)
		}
		if after := devstacktest.Value[string](t, f.Conn, described); after != before {
			t.Errorf("%s: before\n%s\n\nafter\n%s", set, before, after)
		}
	}
}

// The new table is filled with the parameters that it will have, and belongs to the owner of
// the table in use, so that another member of that role can continue the rebuild.
func TestRebuildFillsATableOfTheSameOwner(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	app := "app_" + strings.ReplaceAll(f.Name, "-", "_")
	f.roles(t, app, app+"_owner")
	f.Exec(t, "GRANT "+app+"_owner TO "+app, "GRANT CREATE ON SCHEMA public TO "+app+", "+app+"_owner",
		"GRANT ALL ON projection_position TO "+app, "ALTER TABLE totals OWNER TO "+app+"_owner", "ALTER TABLE totals SET (fillfactor = 70)")
	f.send(t, 1, 1, 5)
	handle := func(ctx context.Context, tx pgx.Tx, e *projection.Event) error {
		var forms []string
		err := tx.QueryRow(ctx, "SELECT array_agg(DISTINCT concat_ws(' ', relowner::regrole, reloptions)) FROM pg_class "+
			"WHERE relname IN ('totals', 'totals__rebuild')").Scan(&forms)
		if err == nil && len(forms) != 1 {
			err = errors.Join(errPermanent, fmt.Errorf("the tables are of %q", forms))
		}
		return errors.Join(err, apply(ctx, tx, e))
	}
	p, err := projection.New(f.config(t), projection.Pgx(pool{f.as(t, app)}), handle)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.exact(t, 1, 1, 5)
}

// readsAsBefore checks what the reader of full sees.
func (f *fixture) readsAsBefore(t *testing.T, reader string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), f.as(t, reader))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	if keys := devstacktest.Value[string](t, conn, "SELECT string_agg(key || n, ',') FROM totals"); keys != "k010" {
		t.Errorf("the reader sees %q", keys)
	}
	if _, err := conn.Exec(t.Context(), "SELECT last FROM totals"); err == nil || !strings.Contains(err.Error(), "denied") {
		t.Errorf("the reader sees a column that nobody has granted: %v", err)
	}
}

// Nobody may read the new table while it is being built, whatever the default privileges
// are.
func TestRebuildHidesTheNewTable(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	reader := f.name + "_" + strings.ReplaceAll(f.Name, "-", "_")
	f.roles(t, reader)
	f.Exec(t, "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO "+reader+", PUBLIC")
	f.send(t, 1, 1, 5)
	p := f.new(t, f.config(t), func(ctx context.Context, tx pgx.Tx, e *projection.Event) error {
		var may bool
		err := tx.QueryRow(ctx, "SELECT has_table_privilege($1::text, 'totals__rebuild', 'SELECT')", reader).Scan(&may)
		if may {
			return errPermanent
		}
		return errors.Join(err, apply(ctx, tx, e))
	})
	if err := p.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.exact(t, 1, 1, 5)
}

// Tables of one read model that refer to each other and to themselves do so afterwards.
func TestRebuildKeepsForeignKeysBetweenItsTables(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	f.Exec(t, "CREATE SCHEMA shop", "CREATE TABLE shop.lines (key text REFERENCES totals ON DELETE CASCADE, n bigint, UNIQUE (key, n), "+
		"before bigint, CONSTRAINT chain FOREIGN KEY (key, before) REFERENCES shop.lines (key, n))")
	f.send(t, 2, 1, 5)
	config := f.config(t)
	config.Tables = []string{"totals", "shop.lines"}
	p := f.new(t, config, func(ctx context.Context, tx pgx.Tx, e *projection.Event) error {
		if err := apply(ctx, tx, e); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "INSERT INTO "+e.Table("shop.lines")+" SELECT $1::text, $2::bigint, nullif($2::bigint - 1, 0)",
			string(e.Key), string(e.Payload))
		return err
	})
	const keys = "SELECT string_agg(conname || ' ' || pg_get_constraintdef(oid), ', ' ORDER BY conname) " +
		"FROM pg_constraint WHERE contype = 'f'"
	before := devstacktest.Value[string](t, f.Conn, keys)
	for range 2 {
		if err := p.Rebuild(t.Context()); err != nil {
			t.Fatal(err)
		}
		f.exact(t, 2, 1, 5)
	}
	if after := devstacktest.Value[string](t, f.Conn, keys); after != before {
		t.Errorf("before %s\nafter %s", before, after)
	}
	f.Exec(t, "DELETE FROM totals")
	if n := f.number(t, "SELECT count(*) FROM shop.lines"); n != 0 {
		t.Errorf("%d lines without a total", n)
	}
}
