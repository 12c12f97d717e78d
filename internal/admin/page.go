package admin

import (
	"crypto/sha256"
	_ "embed" // the page is part of the binary
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
)

//go:embed page.html
var pageHTML string

//go:embed page.css
var pageCSS string

//go:embed page.js
var pageJS string

// page is the page for people: one document that loads nothing from anywhere but
// /status and /history, so that it works where there is no internet.
type page struct {
	body   string
	policy string // Content-Security-Policy
}

func newPage() *page {
	body := strings.NewReplacer("/*style*/", pageCSS, "/*script*/", pageJS).Replace(pageHTML)
	return &page{body: body, policy: strings.Join([]string{
		"default-src 'none'", "script-src " + hash(pageJS), "style-src " + hash(pageCSS),
		"img-src data:", "connect-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
	}, "; ")}
}

// hash lets one inline script or style run, and no other: what is in a topic's name
// stays a text.
func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// ServeHTTP is part of http.Handler.
func (p *page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", p.policy)
	h.Set("Content-Length", strconv.Itoa(len(p.body)))
	if r.Method != http.MethodHead {
		_, _ = w.Write([]byte(p.body)) // a client that is gone needs no answer
	}
}
