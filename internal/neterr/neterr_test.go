package neterr_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"testing"

	"github.com/walpost/walpost/internal/neterr"
)

func TestTLS(t *testing.T) {
	t.Parallel()
	certificate := &x509.Certificate{
		Issuer: pkix.Name{CommonName: "CA"}, DNSNames: []string{"db"}, IPAddresses: []net.IP{net.IPv4(10, 0, 0, 1)},
	}
	for _, c := range []struct {
		err   error
		fault neterr.Fault
		text  string
	}{
		{
			&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{Cert: certificate}}, neterr.UnknownAuthority,
			`server certificate is signed by an unknown authority (issuer "CA")`,
		},
		{x509.UnknownAuthorityError{}, neterr.UnknownAuthority, "server certificate is signed by an unknown authority"},
		{
			x509.HostnameError{Certificate: certificate, Host: "other"},
			neterr.WrongName,
			"server certificate is not for other, but for db, 10.0.0.1",
		},
		{
			x509.CertificateInvalidError{Reason: x509.NotAuthorizedToSign},
			neterr.Invalid,
			"server certificate is not valid: x509: certificate is not authorized to sign other certificates",
		},
		{
			&tls.CertificateVerificationError{Err: errors.New("odd")}, neterr.Unverified,
			"server certificate could not be verified: odd",
		},
		{tls.RecordHeaderError{}, neterr.NotTLS, "server does not speak TLS"},
		{
			&net.OpError{Op: "remote error", Err: errors.New("tls: bad certificate")}, neterr.Alert,
			"server refused the TLS handshake: bad certificate",
		},
		{io.EOF, neterr.None, ""},
		{nil, neterr.None, ""},
	} {
		if fault, text := neterr.TLS(c.err); fault != c.fault || text != c.text {
			t.Errorf("%v: %d, %q, want %d, %q", c.err, fault, text, c.fault, c.text)
		}
	}
	expired := x509.CertificateInvalidError{Reason: x509.Expired}
	if fault, _ := neterr.TLS(expired); fault != neterr.Expired || neterr.OfText(expired.Error()) != neterr.Expired {
		t.Errorf("%v: %d, %d", expired, fault, neterr.OfText(expired.Error()))
	}
}

func TestNetwork(t *testing.T) {
	t.Parallel()
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	for _, c := range []struct {
		err    error
		fault  neterr.Fault
		reason string
		lost   bool
	}{
		{refused, neterr.Unreachable, "connection refused", true},
		{fmt.Errorf("read: %w", syscall.ECONNRESET), neterr.Closed, "connection reset by peer", true},
		{io.ErrUnexpectedEOF, neterr.Closed, "closed by the server", true},
		{context.DeadlineExceeded, neterr.Unreachable, "no answer in time", true},
		{
			&net.DNSError{Name: "db", Err: "no such host"}, neterr.Unreachable,
			"host name db cannot be resolved: no such host", true,
		},
		{net.ErrClosed, neterr.Unreachable, "closed", true},
		{errors.New("moon phase"), neterr.None, "", false},
	} {
		if fault, reason := neterr.Network(c.err), neterr.Reason(c.err); fault != c.fault || reason != c.reason ||
			neterr.IsLost(c.err) != c.lost {
			t.Errorf("%v: %d, %q, %v, want %d, %q, %v", c.err, fault, reason, neterr.IsLost(c.err), c.fault, c.reason, c.lost)
		}
	}
	if fault := neterr.OfText(refused.Error()); fault != neterr.Unreachable {
		t.Errorf("%v: %d", refused, fault)
	}
}
