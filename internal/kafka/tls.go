package kafka

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/internal/kafka/access"
)

// setTLS turns TLS on when o has it. sarama needs both the switch and the
// configuration: with one alone it goes on without TLS, or without our CA.
func (o Options) setTLS(c *sarama.Config) error {
	if o.TLS == nil {
		return nil
	}
	conf, err := o.TLS.config()
	if err != nil {
		return err
	}
	c.Net.TLS.Enable = true
	c.Net.TLS.Config = conf
	return nil
}

// config reads the files. sarama fills an empty ServerName from the address of
// the broker it dials.
func (t *TLS) config() (*tls.Config, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName}
	if t.CA != "" {
		pem, err := os.ReadFile(t.CA)
		if err != nil {
			return nil, fmt.Errorf("kafka.tls.ca: %w: %w", access.ErrUnreadable, err)
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("kafka.tls.ca: %w: %s holds no PEM certificate", access.ErrUnreadable, t.CA)
		}
	}
	if t.Cert == "" {
		return conf, nil
	}
	if _, err := t.pair(); err != nil {
		return nil, err
	}
	// Not conf.Certificates: Go holds such a certificate back when the broker does
	// not list its issuer, and the broker then complains of none instead of this one.
	conf.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return t.pair() }
	return conf, nil
}

func (t *TLS) pair() (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(t.Cert, t.Key)
	if err != nil {
		return nil, fmt.Errorf("kafka.tls.cert, kafka.tls.key: %w: %w", access.ErrUnreadable, err)
	}
	return &pair, nil
}

// subject is the name in the client certificate, in the form Kafka makes a
// principal of; "" when there is none that can be read.
func (t *TLS) subject() string {
	if t.Cert == "" {
		return ""
	}
	pair, err := t.pair()
	if err != nil || pair.Leaf == nil {
		return ""
	}
	return pair.Leaf.Subject.String()
}
