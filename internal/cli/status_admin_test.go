package cli

import (
	"testing"
)

func TestListenersAreReachedFromTheirMachine(t *testing.T) {
	t.Parallel()
	for listen, want := range map[string]string{
		"127.0.0.1:9464": "127.0.0.1:9464", ":9464": "127.0.0.1:9464", "0.0.0.0:9464": "127.0.0.1:9464",
		"[::]:9464": "127.0.0.1:9464", "box:1": "box:1",
	} {
		if got := dialable(listen); got != want {
			t.Errorf("%s: %s, want %s", listen, got, want)
		}
	}
}
