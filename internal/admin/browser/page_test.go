package browser_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
)

// shows waits until the part of the page for a relay has all the texts. Nothing
// loads the page again.
func (b *browser) shows(t *testing.T, relay string, texts ...string) {
	t.Helper()
	var last string
	defer func() {
		if t.Failed() {
			t.Logf("%s shows:\n%s", relay, last)
		}
	}()
	devstacktest.Await(t, relay+" to show "+strings.Join(texts, ", "), func() bool {
		last = evaluate[string](t, b, fmt.Sprintf(`[...document.querySelectorAll('article')].filter(a => `+
			`a.querySelector('h2').textContent === %q).map(a => a.innerText).join('')`, relay))
		for _, text := range texts {
			if !strings.Contains(last, text) {
				return false
			}
		}
		return true
	})
}

// An operator's day: events flow, a record is refused, one relay halts, Kafka goes
// and comes back. The page is opened once.
func TestPage(t *testing.T) {
	t.Parallel()
	b, s := openBrowser(t), newScene(t)
	b.do(t, chromedp.Navigate(s.origin+"/"))
	b.shows(t, "orders", "Streaming", "0 published")
	b.shows(t, "billing", "Streaming")

	s.insert(t, "orders", "order", 5)
	b.shows(t, "orders", "5 published", "orders.order")
	s.insert(t, "orders", "order", 3000)
	s.insert(t, "orders", "no/topic", 2)
	s.insert(t, "billing", "invoice", 70)
	b.shows(t, "orders", "3,005 published", "invalid topic", "records rejected")
	b.shows(t, "billing", "70 published", "Kafka transactions", "0 aborted since the start", "walpost-billing")
	b.views(t, s, "flowing")

	s.exec(t, "billing", "DROP PUBLICATION walpost_billing")
	b.shows(t, "billing", "Halted", "publication walpost_billing was dropped", "walpost recover -c ", "billing.yaml")
	if err := s.kafka.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.insert(t, "orders", "order", 40)
	b.shows(t, "orders", "Kafka unavailable", "start the brokers", "40")
	b.views(t, s, "broken")
	if err := s.kafka.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.shows(t, "orders", "Streaming", "3,045 published")
	if os.Getenv("WALPOST_SCREENSHOTS") != "" {
		b.pictures(t, s)
	}
	b.quiet(t, s.origin)
}

// pictures takes those of the README, after some minutes in which the plots fill.
func (b *browser) pictures(t *testing.T, s *scene) {
	t.Helper()
	const seconds = 270
	for n := range seconds {
		s.insert(t, "orders", "order", 200+n%60*3)
		s.exec(t, "orders", "SELECT pg_sleep(1)")
	}
	for _, scheme := range []string{"light", "dark"} {
		b.scheme(t, scheme)
		b.portrait(t, "orders", "page-"+scheme)
	}
}

// views looks at the page as it is now in every way it can be looked at.
func (b *browser) views(t *testing.T, s *scene, name string) {
	t.Helper()
	for _, scheme := range []string{"light", "dark"} {
		b.scheme(t, scheme)
		b.accessible(t, scheme)
		b.screenshot(t, name+"-"+scheme)
	}
	b.resize(t, 1000, 900, false)
	if cut := evaluate[int](t, b, `[...document.querySelectorAll('.scroll')].filter(e => e.scrollWidth > e.clientWidth).length`); cut > 0 {
		t.Errorf("%s: on a small screen %d tables are cut off", name, cut)
	}
	b.screenshot(t, name+"-small")
	b.resize(t, 390, 844, true)
	if over := evaluate[int](t, b, `document.documentElement.scrollWidth - document.documentElement.clientWidth`); over > 0 {
		t.Errorf("%s: on a phone the page is %d pixels too wide", name, over)
	}
	b.screenshot(t, name+"-phone")
	b.scheme(t, "light")
	b.resize(t, 1280, 900, false)
	b.secretive(t, s)
}

// secretive fails the test if the password of the configuration is anywhere.
func (b *browser) secretive(t *testing.T, s *scene) {
	t.Helper()
	for _, path := range []string{"/", "/status", "/metrics", "/history", "/readyz"} {
		if code, _ := s.walpost.Get(t, path); code == 0 { // an answer is searched for it
			t.Errorf("%s does not answer", path)
		}
	}
	devstacktest.KeepsSecret(t, "the page", evaluate[string](t, b, `document.documentElement.outerHTML`))
}
