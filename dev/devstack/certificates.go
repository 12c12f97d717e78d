package devstack

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// CA is a certificate authority that lives for one test.
type CA struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// NewCA creates an authority of that common name, valid for a day.
func NewCA(commonName string) (*CA, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: commonName},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(24 * time.Hour),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &CA{cert: cert, key: key}, nil
}

// PEM is the authority's certificate.
func (ca *CA) PEM() []byte { return pemBlock("CERTIFICATE", ca.cert.Raw) }

// Pool trusts this authority alone.
func (ca *CA) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	return pool
}

// WriteFile writes the authority's certificate to dir/name.crt and returns that path.
func (ca *CA) WriteFile(dir, name string) (string, error) {
	path := filepath.Join(dir, name+".crt")
	return path, os.WriteFile(path, ca.PEM(), 0o644) //nolint:gosec // a certificate is public
}

// CertificateOptions describe a certificate to issue.
type CertificateOptions struct {
	CommonName string
	// Hosts are names and IP addresses of a server; without any it is a client's certificate.
	Hosts []string
	// Expired makes one whose time ended an hour ago.
	Expired bool
}

// Server issues a certificate for a server; without hosts for localhost and 127.0.0.1.
func (ca *CA) Server(hosts ...string) (Certificate, error) {
	if len(hosts) == 0 {
		hosts = []string{"localhost", loopback}
	}
	return ca.Issue(CertificateOptions{CommonName: hosts[0], Hosts: hosts})
}

// Client issues a certificate for a client of that common name.
func (ca *CA) Client(commonName string) (Certificate, error) {
	return ca.Issue(CertificateOptions{CommonName: commonName})
}

// Issue signs a new certificate.
func (ca *CA) Issue(options CertificateOptions) (Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Certificate{}, err
	}
	template := options.template()
	if template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120)); err != nil {
		return Certificate{}, err
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca.cert, key.Public(), ca.key)
	if err != nil {
		return Certificate{}, err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key) // the only form that Kafka reads
	if err != nil {
		return Certificate{}, err
	}
	return Certificate{CertPEM: pemBlock("CERTIFICATE", der), KeyPEM: pemBlock("PRIVATE KEY", pkcs8)}, nil
}

// template is the certificate of these options without its number.
func (o *CertificateOptions) template() *x509.Certificate {
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: o.CommonName},
		NotBefore:   time.Now().Add(-2 * time.Hour),
		NotAfter:    time.Now().Add(24 * time.Hour),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if o.Expired {
		template.NotAfter = time.Now().Add(-time.Hour)
	}
	for _, host := range o.Hosts {
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	return template
}

// Certificate is one with its private key, in PEM.
type Certificate struct {
	CertPEM []byte
	KeyPEM  []byte
}

// TLS is the certificate as crypto/tls wants it.
func (c Certificate) TLS() (tls.Certificate, error) { return tls.X509KeyPair(c.CertPEM, c.KeyPEM) }

// WriteFiles writes dir/name.crt and dir/name.key and returns their paths. The key is readable by its owner alone, as
// libpq demands.
func (c Certificate) WriteFiles(dir, name string) (certFile, keyFile string, err error) {
	certFile, keyFile = filepath.Join(dir, name+".crt"), filepath.Join(dir, name+".key")
	if err := os.WriteFile(certFile, c.CertPEM, 0o644); err != nil { //nolint:gosec // a certificate is public
		return "", "", err
	}
	if err := os.WriteFile(keyFile, c.KeyPEM, 0o600); err != nil {
		return "", "", err
	}
	return certFile, keyFile, nil
}

// ServerTLS is how a server speaks TLS.
type ServerTLS struct {
	// CA issues the server's certificate and is whom it trusts about clients.
	CA *CA
	// Certificate replaces the one issued for localhost and 127.0.0.1, for example by an expired one.
	Certificate *Certificate
	// ClientAuth demands a client certificate issued by CA.
	ClientAuth bool
}

func (s *ServerTLS) certificate() (Certificate, error) {
	if s.CA == nil {
		return Certificate{}, fmt.Errorf("a server with TLS needs a CA")
	}
	if s.Certificate != nil {
		return *s.Certificate, nil
	}
	return s.CA.Server()
}

func pemBlock(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
