package admin

import (
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/walpost/walpost/internal/relay"
)

// Relay is what the server asks of a relay.
type Relay interface {
	Status() relay.Status
}

// Handler answers /healthz, /readyz and /metrics, to GET and HEAD only.
func Handler(relays []Relay, metrics http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", healthy)
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { ready(w, relays) })
	if metrics != nil {
		mux.Handle("GET /metrics", metrics)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		mux.ServeHTTP(w, r)
	})
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
		st := r.Status()
		if !st.Ready {
			code = http.StatusServiceUnavailable
		}
		fmt.Fprintf(&text, "%s: %s", st.Relay, st.State)
		if st.Reason != "" {
			text.WriteString(": " + oneLine(st.Reason))
		}
		if st.Hint != "" {
			text.WriteString("; " + oneLine(st.Hint))
		}
		text.WriteByte('\n')
	}
	answer(w, code, text.String())
}

func answer(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	_, _ = io.WriteString(w, text) // a client that is gone needs no answer
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
