package relay_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/replication/walsendertest"
	"github.com/walpost/walpost/internal/status"
)

// A server, or a proxy on the way, that says nothing to START_REPLICATION is left after a minute: nothing else notices it.
// In virtual time.
func TestStreamThatDoesNotBegin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var silent atomic.Int32
		v := startVirtualOn(t, &walsendertest.Server{
			SystemID: "1", Timeline: 1, Confirmed: 0x100, SenderTimeout: time.Minute, Script: (&sender{begun: time.Now()}).stream,
			Answer: func(c *walsendertest.Conversation, query string) (bool, error) {
				if !strings.HasPrefix(query, "START_REPLICATION") || silent.Add(1) > 2 {
					return false, nil
				}
				c.Silence()
				return true, nil
			},
		}, nil, zap.NewNop())
		defer v.end(t)
		within(t, 3*time.Minute, "stream", func() bool { return v.relay.Status().State == status.Streaming })
		if n := silent.Load(); n != 3 {
			t.Errorf("%d requests for a stream, want 3", n)
		}
	})
}
