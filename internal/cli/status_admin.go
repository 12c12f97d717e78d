package cli

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/safetext"
	"github.com/walpost/walpost/internal/status"
)

// adminTimeout is for an answer of the admin server: it has everything at hand.
const adminTimeout = 3 * time.Second

// mostAnswer bounds what is read of it.
const mostAnswer = 16 << 20

// askAdmin asks an admin server and gives the status and the text of its answer.
func askAdmin(ctx context.Context, address, path string) (code int, text []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, adminTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+dialable(address)+path, http.NoBody)
	if err != nil {
		return 0, nil, err
	}
	transport := &http.Transport{DisableKeepAlives: true} // no proxy: it is asked directly
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close() //nolint:errcheck // it was read from only
	text, err = io.ReadAll(io.LimitReader(resp.Body, mostAnswer))
	return resp.StatusCode, text, err
}

// dialable is where a listener is reached from its own machine: one on every
// address, by loopback, by number: an image with nothing else resolves no localhost.
func dialable(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return listen
}

// askRunning returns what the process at the address says of its relays; nothing
// when none answers, or another program does.
func askRunning(ctx context.Context, address string) status.Reports {
	code, text, err := askAdmin(ctx, address, "/status")
	var list status.Reports
	if err != nil || code != http.StatusOK || json.Unmarshal(text, &list) != nil {
		return nil
	}
	return list
}

// adminAddress is where the process of these files listens.
func adminAddress(cfgs []*config.Config) (string, error) {
	if address := cfgs[0].Admin.Listen; address != "" {
		return address, nil
	}
	return "", usage("%s: admin.listen is \"\": there is no admin server to ask", cfgs[0].File)
}

// beginning returns the beginning of an answer, as one line.
func beginning(text []byte) string {
	return safetext.OneLine(safetext.Truncate(text, 2000))
}
