package preflight_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/walpost/walpost/internal/postgres/postgrestest"
	"github.com/walpost/walpost/internal/preflight"
)

// Consumers recognise a repeat by its id, so check says when ids may come twice.
func TestEventIDs(t *testing.T) {
	t.Parallel()
	const rest = ", created_at timestamptz, aggregatetype text, aggregateid text, type text, payload jsonb)"
	for name, c := range map[string]struct {
		table  string // from its first column on
		state  preflight.State
		detail string
		fix    string
	}{
		"uuid":          {"(id uuid PRIMARY KEY" + rest, preflight.OK, "id uuid is unique", ""},
		"uuid, unique":  {"(id uuid UNIQUE" + rest, preflight.OK, "id uuid is unique", ""},
		"text":          {"(id text PRIMARY KEY" + rest, preflight.OK, "id text is unique", ""},
		"bigserial":     {"(id bigserial PRIMARY KEY" + rest, preflight.OK, "RESTART IDENTITY", ""},
		"identity":      {"(id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY" + rest, preflight.OK, "another service", ""},
		"uuid alone":    {"(id uuid" + rest, preflight.Warning, "nothing keeps id of public.outbox unique", "CREATE UNIQUE INDEX CONC"},
		"serial alone":  {"(id serial" + rest, preflight.Warning, "RESTART IDENTITY", "CREATE UNIQUE INDEX CONCURRENTLY"},
		"with another":  {"(id uuid, PRIMARY KEY (id, aggregateid)" + rest, preflight.Warning, "nothing keeps id", "CREATE UNIQUE INDEX"},
		"only included": {"(id uuid, UNIQUE (aggregateid) INCLUDE (id)" + rest, preflight.Warning, "keeps id", "CREATE UNIQUE INDEX"},
		"partitioned": {
			"(id uuid, PRIMARY KEY (id, created_at)" + rest + " PARTITION BY RANGE (created_at)", preflight.OK, "id uuid is unique", "",
		},
		"partitioned, no key": {"(id uuid" + rest + " PARTITION BY RANGE (created_at)", preflight.Warning, "keeps id", "ADD PRIMARY KEY"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := postgrestest.NewFixture(t, &stack)
			f.Exec(t, "CREATE TABLE public.outbox "+c.table)
			list := preflight.Postgres(f.Inspect(t), postgrestest.Expectations())
			at := slices.IndexFunc(list, func(r preflight.Requirement) bool { return r.Name == "event id" })
			if at < 0 {
				t.Fatalf("not checked:\n%s", postgrestest.Lines(list))
			}
			r := list[at]
			if r.State != c.state || !strings.Contains(r.Detail, c.detail) || !strings.Contains(r.Fix, c.fix) || r.Exit != 0 {
				t.Errorf("%s: %s [%s]", r.State, r.Detail, r.Fix)
			}
		})
	}
	f := postgrestest.NewFixture(t, &stack)
	f.Exec(t, "CREATE TABLE public.outbox (id uuid"+rest, "CREATE UNIQUE INDEX ON public.outbox (id) WHERE type = 'a'",
		"CREATE UNIQUE INDEX ON public.outbox ((id::text))")
	if r := find(t, preflight.Postgres(f.Inspect(t), postgrestest.Expectations()), "event id"); r.State != preflight.Warning {
		t.Errorf("a partial index and one of an expression: %+v", r)
	}
}
