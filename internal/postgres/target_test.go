package postgres_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/postgres/postgrestest"
)

const canary = "c4nary-s3cret"

// mute is a port that takes connections and never answers.
func mute(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}

// checkNoSecret walks the whole chain in every form a logger may print it.
func checkNoSecret(t *testing.T, err error) {
	t.Helper()
	for e := err; e != nil; e = errors.Unwrap(e) {
		for _, text := range []string{e.Error(), fmt.Sprintf("%+v", e), fmt.Sprintf("%#v", e)} {
			if strings.Contains(text, canary) || strings.Contains(text, "s3cret") || strings.Contains(text, "c4nary") {
				t.Errorf("the password is in %T: %s", e, text)
			}
		}
	}
}

// TestNoSecretInAnyURLError is law 6 for the URL: whatever is wrong with it, no
// byte of the password gets out.
func TestNoSecretInAnyURLError(t *testing.T) {
	t.Parallel()
	closed := devstacktest.FreeAddress(t)
	for _, url := range []string{
		"",
		"user=u password=" + canary + " host=" + closed,
		"user=u password=c4nary s3cret host=h",
		"host=127.0.0.1 password='" + canary + " port=1",
		"mysql://u:" + canary + "@" + closed + "/d",
		"u:" + canary + "@" + closed + "/d",
		"postgres:/u:" + canary + "@" + closed + "/d",
		"postgres://u:c4nary%s3cret@" + closed + "/d",
		"postgres://u:c4nary/s3cret@" + closed + "/d",
		"postgres://u:12/s3cret@" + closed + "/d",
		"postgres://u:12?x=s3cret@" + closed + "/d",
		"postgres://u:12?s3cret@" + closed + "/d",
		"postgres://127.0.0.1:1/s3cret@" + closed + "/d",
		"postgres://u:c4nary@s3cret@" + closed + "/d",
		"postgres://u@c4nary:s3cret@" + closed + "/d",
		"postgres://u:c4nary#s3cret@" + closed + "/d?sslmode=never",
		"postgres://u:c4nary s3cret@" + closed + "/d",
		"postgres://u:" + canary + "/d",
		"postgres://u:" + canary,
		"postgres://u:" + canary + "@127.0.0.1:port/d",
		"postgres://u:" + canary + "@127.0.0.1:99999/d",
		"postgres://u:" + canary + "@[::1/d",
		"postgres://u:" + canary + "@h1:1,h2:2,h3/d?port=1,2",
		"postgres://u@" + closed + "/d?password=" + canary + "&sslmode=verify-full&sslrootcert=/no/such/file",
		"postgres://u@" + closed + "/d?password=c4nary&s3cret=1",
		"postgres://u@" + closed + "/d?password=c4nary=s3cret",
		"postgres://u@" + closed + "/d?password=c4nary&s3cret",
		"postgres://u@" + closed + "/d?pass%77ord=" + canary + "&target_session_attrs=x",
		"postgres://u@" + closed + "/d?sslmode=disable&sslrootcert=x%20password=" + canary,
		"postgres://u@" + closed + "/d?sslmode=verify-ca&sslrootcert=x%20password=" + canary,
		"postgres://u:" + canary + "@" + closed + "/d?sslmode=require&sslcert=/x",
		"postgres://u:" + canary + "@" + closed + "/d?service=none&servicefile=/x",
		"postgres://u:" + canary + "@" + closed + "/d?channel_binding=maybe",
		"postgres://u:" + canary + "@" + closed + "/d?require_auth=maybe",
		"postgres://u:" + canary + "@" + closed + "/d?connect_timeout=soon",
		"postgres://u:" + canary + "@" + closed + "/d?pool_max_conns=x",
		"postgres://u:" + canary + "@" + closed + "/d",
		"postgres://u:" + canary + "@no-such-host.invalid/d?connect_timeout=1",
		"postgres://u:" + canary + "@/d?host=/no/such/directory",
	} {
		for name, connect := range map[string]func(postgres.Target) error{
			"replication": func(target postgres.Target) error { _, err := target.Replication(t.Context()); return err },
			"sql":         func(target postgres.Target) error { _, err := target.SQL(t.Context()); return err },
		} {
			err := connect(postgrestest.Target(url))
			if err == nil {
				t.Errorf("%s: %q connects", name, url)
				continue
			}
			checkNoSecret(t, err)
			if postgres.KindOf(err) == postgres.Unexpected {
				t.Errorf("%s: %q is unexpected: %v", name, url, err)
			}
		}
	}
}

func TestParseFaultsInWords(t *testing.T) {
	t.Parallel()
	notPEM := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(notPEM, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	withNotPEM := "postgres://u@h/d?sslmode=require&sslrootcert=" + notPEM
	for url, want := range map[string]string{
		withNotPEM:                                    "holds no PEM certificate",
		"dbname=x":                                    "is not a Postgres URL",
		"postgres://u:p/w@h/d":                        "stray @",
		"postgres://u:p w@h/d":                        "blank",
		"postgres://u@h:x/d":                          "port that is not a number",
		"postgres://u:%zz@h/d":                        "two hexadecimal digits",
		"postgres://u@h/d?sslmode=full":               "disable, allow, prefer, require, verify-ca, verify-full",
		"postgres://u@h/d?sslrootcert=/none.pem":      "cannot read /none.pem: no such file",
		"postgres://u@h/d?sslmode=require&sslcert=/x": "must be given together",
		"postgres://u@h/d?statement_timeout=1":        "unknown parameter",
		"postgres://u@h/d?target_session_attrs=rw":    "read-write",
		"postgres://u@h1:1,h2:2,h3:3/d?port=5,6":      "one port for each host",
	} {
		_, err := postgrestest.Target(url).Replication(t.Context())
		if err == nil || !strings.Contains(err.Error(), want) || postgres.KindOf(err) != postgres.Configuration {
			t.Errorf("%s: %v, want %q", url, err, want)
		}
	}
}

func TestSecretSourceThatFails(t *testing.T) {
	t.Parallel()
	target := postgrestest.Target("postgres://u@h/d")
	target.Password = func() (string, error) { return "", errors.New("open /run/secrets/shop: no such file") }
	_, err := target.SQL(t.Context())
	if want := "postgres.password: open /run/secrets/shop: no such file"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// TestSessionParametersWin: PGTZ reaches pgconn under another spelling.
func TestSessionParametersWin(t *testing.T) {
	t.Setenv("PGTZ", "Asia/Tokyo")
	cfg, err := postgrestest.Target("postgres://u@h/d?application_name=x").Config(map[string]string{"application_name": "walpost"})
	if err != nil {
		t.Fatal(err)
	}
	var zones []string
	for name, value := range cfg.RuntimeParams {
		if strings.EqualFold(name, "timezone") {
			zones = append(zones, value)
		}
	}
	if len(zones) != 1 || zones[0] != "UTC" || cfg.RuntimeParams["application_name"] != "walpost" {
		t.Errorf("parameters %v", cfg.RuntimeParams)
	}
	if cfg.ConnectTimeout != 10*time.Second {
		t.Errorf("connect time-out %v", cfg.ConnectTimeout)
	}
}

func TestPasswordIsReadAgainAtEachConnect(t *testing.T) {
	t.Parallel()
	passwords := []string{"first", "second", ""}
	target := postgrestest.Target("postgres://u:inurl@h/d")
	target.Password = func() (string, error) {
		p := passwords[0]
		passwords = passwords[1:]
		return p, nil
	}
	for _, want := range []string{"first", "second", "inurl"} {
		cfg, err := target.Config(nil)
		if err != nil {
			t.Fatal(err)
		}
		if cfg.Password != want {
			t.Errorf("password %q, want %q", cfg.Password, want)
		}
	}
}

func TestTLSMode(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]postgres.TLSMode{
		"postgres://u@h/d":                            postgres.TLSPrefer,
		"postgres://u@h/d?sslmode=allow":              postgres.TLSPrefer,
		"postgres://u@h/d?sslmode=disable":            postgres.TLSDisable,
		"postgres://u@h/d?sslmode=require":            postgres.TLSRequire,
		"postgres://u@h/d?sslmode=verify-ca":          postgres.TLSVerifyCA,
		"postgres://u@h,i/d?sslmode=verify-full":      postgres.TLSVerifyFull,
		"postgres://u@/d?host=/tmp":                   postgres.TLSSocket,
		"postgres://u@/d?host=/tmp,h&sslmode=require": postgres.TLSRequire,
	} {
		got, err := postgrestest.Target(url).TLSMode()
		if err != nil || got != want {
			t.Errorf("%s: %s, %v, want %s", url, got, err, want)
		}
	}
}
