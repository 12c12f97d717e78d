package faults_test

import (
	"crypto/tls"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/internal/status"
)

// A broker whose certificate is of another CA, out of date or for another name: the
// relay says which, tries again, and never sends a byte outside of TLS.
func TestRow40_CertificateOfKafkaRefused(t *testing.T) {
	t.Parallel()
	ours, theirs := authority(t, "ours"), authority(t, "theirs")
	here := []string{"127.0.0.1"}
	for name, tc := range map[string]struct {
		ca   *devstack.CA
		of   devstack.CertificateOptions
		says string
	}{
		"wrong CA":   {theirs, devstack.CertificateOptions{Hosts: here}, "kafka.tls.ca"},
		"expired":    {ours, devstack.CertificateOptions{Hosts: here, Expired: true}, "renew the broker's certificate"},
		"wrong name": {ours, devstack.CertificateOptions{Hosts: []string{"kafka.example"}}, "kafka.tls.server_name"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.of.CommonName = "broker"
			certificate, err := tc.ca.Issue(tc.of)
			if err != nil {
				t.Fatal(err)
			}
			broker := listenTLS(t, certificate)
			ca, err := ours.WriteFile(t.TempDir(), "ca")
			if err != nil {
				t.Fatal(err)
			}
			h := newHarness(t, keys{"kafka.tls.ca": ca, "kafka.brokers": []string{broker.Addr().String()}})
			h.Launch(t)
			h.State(t, status.KafkaUnavailable)
			h.Until(t, "another attempt", func() bool { return broker.attempts() > 2 })
			if reason := h.Status().Reason; !strings.Contains(reason, tc.says) {
				t.Errorf("the reason %q does not say %q", reason, tc.says)
			}
			h.Stop(t)
			if n := broker.cleartext(); n > 0 {
				t.Errorf("%d of %d connections sent something that was not TLS", n, broker.attempts())
			}
		})
	}
}

func authority(t *testing.T, name string) *devstack.CA {
	t.Helper()
	ca, err := devstack.NewCA(name)
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

// tlsListener shakes hands and notes what every connection sends first.
type tlsListener struct {
	net.Listener

	mu    sync.Mutex
	first []byte
}

func listenTLS(t *testing.T, certificate devstack.Certificate) *tlsListener {
	t.Helper()
	pair, err := certificate.TLS()
	if err != nil {
		t.Fatal(err)
	}
	inner, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &tlsListener{Listener: inner}
	settings := &tls.Config{Certificates: []tls.Certificate{pair}}
	var serving sync.WaitGroup
	serving.Go(func() {
		for conn, err := inner.Accept(); err == nil; conn, err = inner.Accept() {
			serving.Go(func() {
				defer conn.Close()
				_ = tls.Server(&firstByte{Conn: conn, of: l}, settings).HandshakeContext(t.Context()) // the client ends it
			})
		}
	})
	t.Cleanup(func() {
		_ = inner.Close()
		serving.Wait()
	})
	return l
}

func (l *tlsListener) attempts() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.first)
}

// cleartext returns how many connections did not begin with a TLS handshake record.
func (l *tlsListener) cleartext() int {
	const handshake = 22
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, b := range l.first {
		if b != handshake {
			n++
		}
	}
	return n
}

// firstByte is a connection that tells its listener how it begins.
type firstByte struct {
	net.Conn

	of   *tlsListener
	told bool
}

func (c *firstByte) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 && !c.told {
		c.told = true
		c.of.mu.Lock()
		c.of.first = append(c.of.first, p[0])
		c.of.mu.Unlock()
	}
	return n, err
}
