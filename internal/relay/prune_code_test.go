package relay_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/status"
)

// pruneAs is a relay with outbox.prune that connects as a role of its own, which may
// delete from the outbox. The outbox is another role's, as far as ddl says so.
func pruneAs(t *testing.T, ddl ...string) (h *harness, role string) {
	t.Helper()
	h = newHarness(t, relaytest.Options{Keys: prunes})
	role = stack.Name(t)
	h.Exec(t, "CREATE ROLE "+role+" LOGIN REPLICATION", "CREATE ROLE "+role+"_app",
		"ALTER TABLE outbox OWNER TO "+role+"_app", "GRANT SELECT, DELETE ON outbox TO "+role)
	for _, sql := range ddl {
		h.Exec(t, strings.ReplaceAll(sql, "ROLE", role))
	}
	h.Configure(t, keys{"postgres.url": h.DB.Server.URLFor(role, "", h.DB.Name)})
	h.Exec(t, "CREATE PUBLICATION "+h.Config.Postgres.Publication+" FOR TABLE outbox WITH (publish = 'insert')",
		"SELECT pg_create_logical_replication_slot('"+h.Config.Postgres.Slot+"', 'pgoutput')")
	return h, role
}

// deletesAs notes as which role a deletion runs it.
var deletesAs = []string{
	"CREATE TABLE ran (as_role text)", "GRANT INSERT ON ran TO PUBLIC",
	"CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.ran VALUES (current_user); RETURN OLD; END'",
}

// What the owner of the outbox attached to a DELETE does not run as the relay's role,
// which has REPLICATION: nothing is deleted, prune_failed names it, records are
// published all the same. Without it, or where the relay owns the table, rows go.
func TestRow82_PruneRunsNoCodeOfTheOwner(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ sql, says, undo string }{
		"row trigger": {
			"CREATE TRIGGER spy BEFORE DELETE ON outbox FOR EACH ROW EXECUTE FUNCTION note()", "trigger spy of public.outbox",
			"ALTER TABLE outbox DISABLE TRIGGER spy",
		},
		"statement trigger": {
			"CREATE TRIGGER spy AFTER INSERT OR DELETE ON outbox FOR EACH STATEMENT EXECUTE FUNCTION note()",
			"trigger spy of public.outbox", "DROP TRIGGER spy ON outbox",
		},
		"rule": {
			"CREATE RULE spy AS ON DELETE TO outbox DO ALSO INSERT INTO ran VALUES (current_user)", "rule spy of public.outbox",
			"DROP RULE spy ON outbox",
		},
		"rule instead": {
			"CREATE RULE spy AS ON DELETE TO outbox DO INSTEAD NOTHING", "rule spy of public.outbox", "ALTER TABLE outbox DISABLE RULE spy",
		},
		"owned": {
			"CREATE TRIGGER spy BEFORE DELETE ON outbox FOR EACH ROW EXECUTE FUNCTION note()", "trigger spy of public.outbox",
			"ALTER TABLE outbox OWNER TO ROLE",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, role := pruneAs(t, append(slices.Clone(deletesAs), tc.sql)...)
			h.Start(t)
			h.Exec(t, relaytest.Insert("k", 1))
			h.Until(t, "prune_failed with the words", func() bool {
				return slices.ContainsFunc(h.Report("").Conditions, func(c status.Condition) bool {
					return c.Name == status.ConditionPrune && strings.Contains(c.Hint, tc.says) && strings.Contains(c.Hint, role)
				})
			})
			h.consume(t, h.Topic, 1)
			if left := h.texts(t, "SELECT id FROM outbox"); len(left) != 1 {
				t.Errorf("%d rows are left, want 1", len(left))
			}
			if ran := h.texts(t, "SELECT as_role FROM ran WHERE as_role = '"+role+"'"); len(ran) != 0 {
				t.Errorf("ran as %v", ran)
			}
			h.Exec(t, strings.ReplaceAll(tc.undo, "ROLE", role))
			h.Until(t, "the row to be deleted", func() bool { return len(h.texts(t, "SELECT id FROM outbox")) == 0 })
		})
	}
}
