package devstacktest

import (
	"net/url"
	"strings"
	"testing"
)

// Canary is a password that must be shown nowhere: in no log, error, metric or page.
const Canary = "canary0S3cret0of0the0tests"

// WithCanary puts the canary into a Postgres URL that has no password. The servers
// that devstack starts trust every local connection unless they are given a password,
// so that it opens nothing; what logs the URL shows it.
func WithCanary(t testing.TB, raw string) string {
	t.Helper()
	if strings.Contains(raw, Canary) { // one of several hosts, which net/url does not read
		return raw
	}
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	if _, has := u.User.Password(); has {
		return raw
	}
	u.User = url.UserPassword(u.User.Username(), Canary)
	return u.String()
}

// KeepsSecret fails the test when a text shows the canary.
func KeepsSecret(t testing.TB, where, text string) {
	t.Helper()
	at := strings.Index(text, Canary)
	if at < 0 {
		return
	}
	t.Errorf("%s shows a secret: …%s…", where, text[max(0, at-200):min(len(text), at+len(Canary)+50)])
}
