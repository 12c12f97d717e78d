// Package neterr knows what the errors of the standard library's network and TLS mean.
//
// It depends on the standard library alone. What to change about a fault is for the
// caller, who knows the server and the settings.
package neterr

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
)

// Fault is what a failed connection comes down to.
type Fault uint8

// The faults. All but Unreachable and Closed concern TLS.
const (
	None             Fault = iota
	UnknownAuthority       // the server's certificate is signed by an unknown authority
	WrongName              // the server's certificate is for another name
	Expired                // the server's certificate has expired, or is not valid yet
	Invalid                // the server's certificate is not valid for another reason
	Unverified             // the server's certificate could not be verified
	NotTLS                 // the server does not speak TLS
	Alert                  // the server refused the handshake
	Closed                 // the server closed the connection
	Unreachable            // the network failed, or there was no answer in time
)

// alert precedes the text of a TLS alert in errors of crypto/tls.
const alert = "remote error: tls: "

// TLS returns the fault of a TLS handshake, and what it says of the server; None if err
// is not about TLS.
func TLS(err error) (Fault, string) {
	if e, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		issuer := ""
		if e.Cert != nil {
			issuer = fmt.Sprintf(" (issuer %q)", e.Cert.Issuer.CommonName)
		}
		return UnknownAuthority, "server certificate is signed by an unknown authority" + issuer
	}
	if e, ok := errors.AsType[x509.HostnameError](err); ok {
		return WrongName, fmt.Sprintf("server certificate is not for %s, but for %s", e.Host, strings.Join(names(e.Certificate), ", "))
	}
	if e, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		fault := Invalid
		if e.Reason == x509.Expired {
			fault = Expired
		}
		return fault, "server certificate is not valid: " + e.Error()
	}
	if e, ok := errors.AsType[tls.AlertError](err); ok {
		return Alert, "server refused the TLS handshake: " + e.Error()
	}
	if e, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return Unverified, "server certificate could not be verified: " + e.Err.Error()
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return NotTLS, "server does not speak TLS"
	}
	if err == nil {
		return None, ""
	}
	if _, text, ok := strings.Cut(err.Error(), alert); ok {
		return Alert, "server refused the TLS handshake: " + text
	}
	return None, ""
}

func names(certificate *x509.Certificate) []string {
	list := slices.Clone(certificate.DNSNames)
	for _, ip := range certificate.IPAddresses {
		list = append(list, ip.String())
	}
	return list
}

// Network returns Closed, Unreachable, or None if err is not of the network.
func Network(err error) Fault {
	var network net.Error // net.OpError and syscall.Errno too
	switch {
	case ended(err), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return Closed
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network):
		return Unreachable
	default:
		return None
	}
}

// Reason returns why a connection failed or broke, without the addresses that the
// standard library adds; "" if err does not say.
func Reason(err error) string {
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return "host name " + dns.Name + " cannot be resolved: " + dns.Err
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno.Error()
	}
	var network net.Error
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded),
		errors.As(err, &network) && network.Timeout():
		return "no answer in time"
	case ended(err):
		return "closed by the server"
	case errors.Is(err, net.ErrClosed):
		return "closed"
	default:
		return ""
	}
}

// IsLost reports whether err is of a connection that had been established.
func IsLost(err error) bool {
	var network net.Error
	return ended(err) || errors.Is(err, net.ErrClosed) || errors.As(err, &network)
}

func ended(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }

// OfText returns the fault that a text means, for errors of which only the text was
// handed on.
func OfText(text string) Fault {
	for _, known := range []struct {
		part  string
		fault Fault
	}{
		{"signed by unknown authority", UnknownAuthority},
		{"certificate is valid for", WrongName},
		{"cannot validate certificate", WrongName},
		{"has expired or is not yet valid", Expired},
		{strings.TrimSuffix(alert, ": "), Alert},
		{"does not look like a TLS handshake", NotTLS},
		{"connection refused", Unreachable},
		{"no such host", Unreachable},
	} {
		if strings.Contains(text, known.part) {
			return known.fault
		}
	}
	return None
}
