package e2e_test

import (
	"net/http"
	"testing"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/relay/relaytest"
)

// Every file of this package has a password in its URL, and whatever a process writes
// or serves is searched for it. This asks for each page there is, and lets Postgres
// fail in between, so that errors are among what is shown; the other tests do the same
// with what they look at.
func TestRow65_NoSecretIsShown(t *testing.T) {
	t.Parallel()
	h := newHarness(t, keys{"delivery.on_reject": "skip"})
	p := walpost(t, "run", "-c", h.Config.File)
	p.Ready(t)
	h.Exec(t, relaytest.Insert(devstacktest.Canary, 1)) // the key of a row, and below the payload of a rejected one
	h.Exec(t, "INSERT INTO outbox (aggregatetype, aggregateid, type, payload) VALUES ('no/topic', '"+
		devstacktest.Canary+"', 'Created', '{\"n\": \""+devstacktest.Canary+"\"}')")
	h.confirmed(t, p)
	before := p.metric(t, "walpost_reconnects_total{peer=\"postgres\"")
	h.Exec(t, "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active AND slot_name = '"+h.Config.Postgres.Slot+"'")
	p.Until(t, "a new connection", func() bool { return p.metric(t, "walpost_reconnects_total{peer=\"postgres\"") > before })
	for _, path := range []string{"/", "/status", "/metrics", "/healthz", "/readyz"} {
		if code, body := p.Get(t, path); body == "" || code != http.StatusOK && path != "/readyz" {
			t.Errorf("%s: %d, %q", path, code, body)
		}
	}
	for _, command := range [][]string{
		{"check", "-c", h.Config.File},
		{"status", "-c", h.Config.File},
		{"status", "--json", "-c", h.Config.File},
		{"config", "print", "-c", h.Config.File},
	} {
		walpost(t, command...).Exits(t, 0) // its output is searched at the end
	}
	p.Terminate(t)
	p.Exits(t, 0)
	wrong := h.File(t, keys{"postgres.url": h.DB.Server.URL("nosuchdatabase")})
	walpost(t, "run", "-c", wrong).Exits(t, 3, "nosuchdatabase")
	unknown := h.File(t, keys{"postgres.pasword": devstacktest.Canary})
	walpost(t, "run", "-c", unknown).Exits(t, 2, "pasword")
}
