package admin

import (
	"net"
	"os"
	"testing"
)

// TestRow131_NamesOfTheListener: what may be asked under which name. The names of
// deploy/ and of docker compose are among them.
func TestRow131_NamesOfTheListener(t *testing.T) {
	t.Parallel()
	self, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	loopback, network := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}, &net.TCPAddr{IP: net.IPv4zero}
	byHost := &net.TCPAddr{IP: net.IPv4(10, 0, 0, 7)}
	always := []string{
		"", "127.0.0.1:9464", "127.0.0.1", "[::1]:9464", "[::1]", "10.1.2.3:9464",
		"[fe80::1%eth0]:9464", "localhost:9464", "LOCALHOST", "localhost.:9464",
		"walpost.localhost:9464", self + ":9464", "walpost.example.com:9464", "a.shop.example", "A.Shop.Example:80",
	}
	private := []string{
		"walpost:9464", "walpost-0.walpost.orders.svc:9464", "walpost.orders.svc.cluster.local:9464",
		"host.docker.internal", "nas.home.arpa",
	}
	never := []string{
		"evil.example:9464", "127.0.0.1.evil.example:9464", "localhost.evil.example", "evil.example.", "walpost.example.com.evil.example",
		"shop.example", "x:y:z.example",
		self + ".evil.example", "local.example", "xlocal.example:1", "[::1].evil.example",
	}
	for name, c := range map[string]struct {
		listen string
		open   net.Addr
		yes    [][]string
		no     [][]string
	}{
		"loopback":     {"127.0.0.1:9464", loopback, [][]string{always}, [][]string{private, never}},
		"every one":    {":9464", network, [][]string{always, private}, [][]string{never}},
		"a name of it": {"relay.db.example:9464", byHost, [][]string{always, private, {"relay.db.example:9464"}}, [][]string{never}},
	} {
		h := newHosts(c.listen, c.open, []string{"walpost.example.com", "*.Shop.example"})
		for want, lists := range map[bool][][]string{true: c.yes, false: c.no} {
			for _, list := range lists {
				for _, host := range list {
					if h.known(host) != want {
						t.Errorf("%s: %q is known: %v", name, host, !want)
					}
				}
			}
		}
	}
	if h := newHosts("127.0.0.1:9464", loopback, []string{"*"}); !h.known("evil.example:9464") {
		t.Error("a * takes not every name")
	}
}
