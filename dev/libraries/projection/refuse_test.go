package projection_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/pkg/inbox"
	"github.com/walpost/walpost/pkg/projection"
)

var errPermanent = inbox.Permanent(errors.New("it cannot be"))

// refuses calls Rebuild, which must end before a record is applied, and change nothing.
func (f *fixture) refuses(t *testing.T, config projection.Config, wanted error, words ...string) {
	t.Helper()
	begun := inbox.Permanent(errors.New("the work has begun"))
	p := f.new(t, config, func(context.Context, pgx.Tx, *projection.Event) error { return begun })
	ctx, cancel := context.WithTimeout(t.Context(), devstacktest.Patience)
	defer cancel()
	err := p.Rebuild(ctx)
	for _, word := range words {
		if !errors.Is(err, wanted) || !strings.Contains(err.Error(), word) {
			t.Errorf("want %v with %q: %v", wanted, word, err)
		}
	}
	if n := f.number(t, "SELECT count(*) FROM projection_position WHERE projection LIKE '%rebuild'"); n != 0 {
		t.Error("it has begun")
	}
}

// What a new table cannot have is refused before the work, with its name.
func TestRebuildRefuses(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	f.send(t, 1, 1, 1)
	stranger := "stranger_" + f.Name
	f.roles(t, stranger)
	for _, c := range []struct{ set, reset, words string }{
		{"CREATE VIEW on_totals AS SELECT * FROM totals", "DROP VIEW on_totals", "view on_totals depends on table totals: drop it"},
		{"CREATE MATERIALIZED VIEW held AS SELECT key FROM totals", "DROP MATERIALIZED VIEW held", "materialized view held depends"},
		{
			"CREATE FUNCTION top() RETURNS SETOF totals LANGUAGE sql AS 'SELECT * FROM totals'",
			"DROP FUNCTION top", "function top() depends",
		},
		{"CREATE TABLE other (total totals)", "DROP TABLE other", "column total of table other depends"},
		{"CREATE TABLE other (totals totals[])", "DROP TABLE other", "column totals of table other depends"},
		{
			"CREATE TABLE other (key text CONSTRAINT of_total REFERENCES totals)", "DROP TABLE other",
			"constraint of_total on table other depends",
		},
		{"CREATE TABLE child () INHERITS (totals)", "DROP TABLE child", "table child inherits from, or is a partition of table totals"},
		{
			"CREATE TABLE parent (); ALTER TABLE totals INHERIT parent", "ALTER TABLE totals NO INHERIT parent; DROP TABLE parent",
			"table totals inherits from, or is a partition of table parent",
		},
		{"CREATE PUBLICATION told FOR TABLE totals", "DROP PUBLICATION told", "publication told"},
		{"CREATE RULE quiet AS ON DELETE TO totals DO ALSO NOTHING", "DROP RULE quiet ON totals", "rule quiet"},
		{
			"CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; " +
				"CREATE TRIGGER tell BEFORE INSERT ON totals " +
				"FOR EACH ROW EXECUTE FUNCTION f()", "DROP TRIGGER tell ON totals",
			"trigger tell is on table totals and not on totals__rebuild",
		},
		{
			"SET allow_system_table_mods = on; " +
				"INSERT INTO pg_seclabel VALUES ('totals'::regclass, 'pg_class'::regclass, 0, 'guard', 'secret')",
			"DELETE FROM pg_seclabel", "SECURITY LABEL FOR guard ON TABLE public.totals",
		},
		{"ALTER TABLE totals RENAME TO none", "ALTER TABLE none RENAME TO totals", "table totals does not exist"},
		{
			"ALTER TABLE totals RENAME TO kept; CREATE TABLE totals (key text, n int) PARTITION BY LIST (key)",
			"DROP TABLE totals; ALTER TABLE kept RENAME TO totals", "totals is no ordinary table",
		},
	} {
		f.Exec(t, c.set)
		f.refuses(t, f.config(t), projection.ErrSwap, c.words)
		f.Exec(t, c.reset, "DROP TABLE IF EXISTS totals__rebuild")
	}
	f.Exec(t, "GRANT CREATE ON SCHEMA public TO "+stranger, "GRANT ALL ON totals, projection_position TO "+stranger)
	p, err := projection.New(f.config(t), projection.Pgx(pool{f.as(t, stranger)}), apply)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Rebuild(t.Context()); !errors.Is(err, projection.ErrSwap) || !strings.Contains(err.Error(), "belongs to role") {
		t.Error(err)
	}
}

// A table that a failed rebuild has left is refused when it lacks what the table in use
// has by now, and allowed where that is wanted.
func TestRebuildRefusesAnotherShape(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	f.send(t, 2, 1, 5)
	f.Exec(t, "CREATE TABLE totals__rebuild (LIKE totals INCLUDING ALL)")
	for _, c := range []struct{ set, reset, words string }{
		{"ALTER TABLE totals ADD late text", "ALTER TABLE totals DROP late", "table totals__rebuild has no column late"},
		{
			"ALTER TABLE totals ALTER wrong TYPE int", "ALTER TABLE totals ALTER wrong TYPE bigint",
			"column wrong of table totals__rebuild is bigint NOT NULL DEFAULT 0, and of table totals integer",
		},
		{
			"ALTER TABLE totals__rebuild ALTER last DROP NOT NULL", "ALTER TABLE totals__rebuild ALTER last SET NOT NULL",
			"column last of table totals__rebuild is bigint, and",
		},
		{
			"ALTER TABLE totals ADD CONSTRAINT few CHECK (n < 100)", "ALTER TABLE totals DROP CONSTRAINT few",
			"table totals__rebuild lacks the constraint few of table totals: CHECK ((n < 100))",
		},
		{
			"CREATE INDEX by_n ON totals (n)", "DROP INDEX by_n",
			"table totals__rebuild lacks the index by_n of table totals: USING btree (n)",
		},
		{
			"ALTER TABLE totals__rebuild DROP CONSTRAINT totals__rebuild_pkey", "ALTER TABLE totals__rebuild ADD PRIMARY KEY (key)",
			"lacks the constraint totals_pkey of table totals: PRIMARY KEY (key)",
		},
		{
			"CREATE STATISTICS related ON n, last FROM totals", "DROP STATISTICS related",
			"table totals__rebuild lacks the statistics related of table totals: CREATE STATISTICS public.related ON n, last FROM totals",
		},
		{
			`ALTER TABLE totals ADD name text COLLATE "C"; ALTER TABLE totals__rebuild ADD name text`,
			"ALTER TABLE totals DROP name; ALTER TABLE totals__rebuild DROP name",
			`column name of table totals__rebuild is text, and of table totals text COLLATE "C"`,
		},
		{
			"ALTER TABLE totals ALTER wrong DROP DEFAULT", "ALTER TABLE totals ALTER wrong SET DEFAULT 0",
			"column wrong of table totals__rebuild is bigint NOT NULL DEFAULT 0, and of table totals bigint NOT NULL",
		},
		{
			"ALTER TABLE totals ALTER last ADD GENERATED ALWAYS AS IDENTITY", "ALTER TABLE totals ALTER last DROP IDENTITY",
			"column last of table totals__rebuild is bigint NOT NULL, and of table totals bigint NOT NULL GENERATED ALWAYS AS IDENTITY",
		},
		{
			"CREATE UNIQUE INDEX by_n ON totals (n); CREATE INDEX by_n_again ON totals__rebuild (n)", "DROP INDEX by_n, by_n_again",
			"table totals__rebuild lacks the index by_n of table totals: UNIQUE USING btree (n)",
		},
		{
			"ALTER TABLE totals ADD CONSTRAINT once UNIQUE (last) DEFERRABLE; " +
				"ALTER TABLE totals__rebuild ADD CONSTRAINT twice UNIQUE (last)",
			"ALTER TABLE totals DROP CONSTRAINT once; ALTER TABLE totals__rebuild DROP CONSTRAINT twice",
			"table totals__rebuild lacks the constraint once of table totals: UNIQUE (last) DEFERRABLE",
		},
	} {
		f.Exec(t, c.set)
		f.refuses(t, f.config(t), projection.ErrSwap, c.words, "DropRebuild", "Config.Reshape")
		f.Exec(t, c.reset)
	}
	f.Exec(t, "ALTER TABLE totals ADD obsolete text", "ALTER TABLE totals__rebuild ADD at timestamptz DEFAULT now()")
	config := f.config(t)
	config.Reshape = true
	if err := f.new(t, config, apply).Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.exact(t, 2, 1, 5)
	if n := f.number(t, "SELECT count(*) FROM totals WHERE at IS NOT NULL"); n != 2 {
		t.Error("the table of before is in place")
	}
}

// What comes into the way during a rebuild ends it before the swap.
func TestRebuildRefusesTheSwap(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ set, words string }{
		{"ALTER TABLE totals ADD late text", "no column late"},
		{"CREATE VIEW late AS SELECT key FROM totals", "view late depends"},
	} {
		f := newFixture(t, 1)
		f.send(t, 1, 1, 5)
		once := false
		err := f.new(t, f.config(t), func(ctx context.Context, tx pgx.Tx, e *projection.Event) error {
			if !once {
				once = true
				f.Exec(t, c.set)
			}
			return apply(ctx, tx, e)
		}).Rebuild(t.Context())
		if !errors.Is(err, projection.ErrSwap) || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%s: %v", c.set, err)
		}
		if n := f.number(t, "SELECT count(*) FROM totals__rebuild"); n != 1 {
			t.Errorf("%s: the new table is gone", c.set)
		}
	}
}

// A handler that uses a table past Event.Table, or one that is not being rebuilt, ends the
// rebuild at its first record, and nothing of it stays.
func TestRebuildEndsAHandlerThatWritesElsewhere(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	f.send(t, 2, 1, 5)
	live := start(t, f.new(t, f.config(t), apply))
	f.exact(t, 2, 1, 5)
	f.Exec(t, "CREATE TABLE seen (id text PRIMARY KEY)")
	for used, statement := range map[string]string{
		"totals":       "INSERT INTO totals (key, n, last) VALUES ('x', 1, 1)",
		"totals ":      "SELECT count(*) FROM totals", // what it reads there, a rebuild does not have
		"seen":         "INSERT INTO seen VALUES ($1) ON CONFLICT DO NOTHING",
		"seen, totals": "WITH d AS (DELETE FROM totals RETURNING key) INSERT INTO seen SELECT key FROM d",
	} {
		p := f.new(t, f.config(t), func(ctx context.Context, tx pgx.Tx, e *projection.Event) error {
			var args []any
			if strings.Contains(statement, "$1") {
				args = append(args, e.ID)
			}
			_, err := tx.Exec(ctx, statement, args...)
			return err
		})
		err := p.Rebuild(t.Context())
		if !errors.Is(err, projection.ErrOutside) || !strings.Contains(err.Error(), ": "+strings.TrimSpace(used)+": write to") ||
			!strings.Contains(err.Error(), f.topic+"/0, offset 0:") {
			t.Errorf("%s: %v", statement, err)
		}
		if err := p.DropRebuild(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	f.exact(t, 2, 1, 5)
	if n := f.number(t, "SELECT count(*) FROM seen"); n != 0 {
		t.Errorf("%d rows stayed", n)
	}
	live.end(t)
}

// A trigger is the caller's to judge: it is kept where the new table has it too, in the
// state of the table in use.
func TestRebuildKeepsTriggersThatTheNewTableHas(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	f.send(t, 1, 1, 5)
	f.Exec(t, "ALTER TABLE totals ADD filled text", "CREATE TABLE told (n int)",
		"CREATE TABLE totals__rebuild (LIKE totals INCLUDING ALL)",
		"CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.filled := NEW.key; RETURN NEW; END'",
		"CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO told VALUES (1); RETURN NEW; END'")
	for _, table := range []string{"totals", "totals__rebuild"} {
		f.Exec(t, "CREATE TRIGGER fill BEFORE INSERT ON "+table+" FOR EACH ROW EXECUTE FUNCTION fill()",
			"CREATE TRIGGER tell AFTER INSERT ON "+table+" FOR EACH ROW EXECUTE FUNCTION tell()")
	}
	f.Exec(t, "ALTER TABLE totals__rebuild DISABLE TRIGGER tell", "ALTER TABLE totals ENABLE ALWAYS TRIGGER fill")
	if err := f.new(t, f.config(t), apply).Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.exact(t, 1, 1, 5)
	if n := f.number(t, "SELECT count(*) FROM totals, told WHERE filled = key"); n != 0 {
		t.Error("others were told")
	}
	if n := f.number(t, "SELECT count(*) FROM totals WHERE filled = key"); n != 1 {
		t.Error("the trigger has not filled the column")
	}
	const states = "SELECT string_agg(concat(tgname, tgenabled), ',' ORDER BY tgname) FROM pg_trigger WHERE tgrelid = 'totals'::regclass"
	if s := devstacktest.Value[string](t, f.Conn, states); s != "fillA,tellO" {
		t.Error(s)
	}
}

// A pool of one connection cannot do a rebuild, and this is said at once.
func TestRebuildNeedsTwoConnections(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	p, err := projection.New(f.config(t), projection.Pgx(limitedPool{pool{f.URL}}), apply)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Rebuild(t.Context()); !errors.Is(err, projection.ErrConfig) || !strings.Contains(fmt.Sprint(err), "the pool has 1") {
		t.Error(err)
	}
}

// limitedPool says that it has one connection.
type limitedPool struct{ pool }

// Stat is what a pool of pgx has.
func (limitedPool) Stat() oneConn { return oneConn{} }

type oneConn struct{}

// MaxConns is one.
func (oneConn) MaxConns() int32 { return 1 }
