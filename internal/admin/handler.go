package admin

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/walpost/walpost/internal/safetext"
	"github.com/walpost/walpost/internal/status"
)

// Relay is what the server asks of a relay.
type Relay interface {
	Report() status.Report
}

const healthPath = "/healthz"

// Handler answers /healthz, /readyz, /metrics, /status, /history and the page at /,
// to GET and HEAD only. metrics and history may be nil: then there is no such path.
func Handler(relays []Relay, metrics http.Handler, history *History) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+healthPath, healthy)
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { ready(w, relays) })
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) { answerJSON(w, reports(relays)) })
	mux.Handle("GET /{$}", newPage())
	if metrics != nil {
		mux.Handle("GET /metrics", metrics)
	}
	if history != nil {
		mux.HandleFunc("GET /history", func(w http.ResponseWriter, _ *http.Request) { answerJSON(w, history.snapshot()) })
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		protect(w.Header())
		mux.ServeHTTP(w, r)
	})
}

// protect sets what keeps an answer from pages of others.
func protect(h http.Header) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'") // the page has its own
}

func reports(relays []Relay) status.Reports {
	list := make(status.Reports, 0, len(relays))
	for _, r := range relays {
		list = append(list, r.Report())
	}
	return list
}

// healthy is 200 while the process lives, whatever its relays do: a restart
// would not bring Kafka back.
func healthy(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "ok\n") }

// ready is 200 when every relay streams and Kafka answers; else 503 with the
// state of each relay in words, one per line.
func ready(w http.ResponseWriter, relays []Relay) {
	code := http.StatusOK
	var text strings.Builder
	for _, r := range relays {
		st := r.Report()
		if !st.Ready() {
			code = http.StatusServiceUnavailable
		}
		fmt.Fprintf(&text, "%s: %s", st.Relay, st.State)
		if st.Reason != "" {
			text.WriteString(": " + safetext.OneLine(st.Reason))
		}
		if st.Hint != "" {
			text.WriteString("; " + safetext.OneLine(st.Hint))
		}
		text.WriteByte('\n')
	}
	answer(w, code, text.String())
}

// answerJSON writes one document. It is made first: half an answer says nothing.
func answerJSON(w http.ResponseWriter, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		answer(w, http.StatusInternalServerError, "the answer cannot be written as JSON\n")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(text, '\n')) // a client that is gone needs no answer
}

func answer(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	_, _ = io.WriteString(w, text) //nolint:gosec // plain text, with nosniff; a client that is gone needs no answer
}
