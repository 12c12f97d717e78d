package postgres

import (
	"crypto/tls"

	"github.com/jackc/pgx/v5/pgconn"
)

// TLSMode is how much the connection is protected, in the words of sslmode.
type TLSMode string

// The modes, from strong to weak. Anything but VerifyFull lets somebody in the
// middle read along, and the role can read every table of the publication.
const (
	TLSSocket     TLSMode = "unix socket"
	TLSVerifyFull TLSMode = "verify-full"
	TLSVerifyCA   TLSMode = "verify-ca" // also require with sslrootcert, as in libpq
	TLSRequire    TLSMode = "require"
	TLSPrefer     TLSMode = "prefer" // also allow: plain text when the server says so
	TLSDisable    TLSMode = "disable"
)

// TLSMode returns the weakest mode among the hosts of the URL. It reads the
// settings that the connection will use, environment and files included.
func (t Target) TLSMode() (TLSMode, error) {
	cfg, err := t.Config(nil)
	if err != nil {
		return "", err
	}
	encrypted, plain, weakest := false, false, TLSSocket
	consider := func(host string, port uint16, c *tls.Config) {
		network, _ := pgconn.NetworkAddress(host, port)
		mode := modeOf(c)
		switch {
		case network == "unix":
			return
		case c == nil:
			plain = true
		default:
			encrypted = true
			if strength(mode) < strength(weakest) {
				weakest = mode
			}
		}
	}
	consider(cfg.Host, cfg.Port, cfg.TLSConfig)
	for _, fb := range cfg.Fallbacks {
		consider(fb.Host, fb.Port, fb.TLSConfig)
	}
	switch {
	case plain && encrypted:
		return TLSPrefer, nil
	case plain:
		return TLSDisable, nil
	default:
		return weakest, nil
	}
}

func modeOf(c *tls.Config) TLSMode {
	switch {
	case c == nil:
		return TLSDisable
	case !c.InsecureSkipVerify:
		return TLSVerifyFull
	case c.VerifyPeerCertificate != nil || c.VerifyConnection != nil:
		return TLSVerifyCA
	default:
		return TLSRequire
	}
}

func strength(m TLSMode) int {
	for i, mode := range []TLSMode{TLSDisable, TLSPrefer, TLSRequire, TLSVerifyCA, TLSVerifyFull, TLSSocket} {
		if m == mode {
			return i
		}
	}
	return 0
}
