package postgres_test

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/postgres/postgrestest"
	"github.com/walpost/walpost/internal/replication"
)

// secured is a Postgres with TLS and SCRAM that lets no other way in.
func secured(t *testing.T) *devstack.Postgres {
	t.Helper()
	ca, err := devstack.NewCA("walpost test CA")
	if err != nil {
		t.Fatal(err)
	}
	server := devstacktest.StartPostgres(t, devstack.PostgresOptions{
		Password: "superuser", TLS: &devstack.ServerTLS{CA: ca},
		HBA: []string{"host shop blocked 127.0.0.1/32 reject", "hostssl all relay,plain,blocked,relax 127.0.0.1/32 scram-sha-256"},
	})
	if err := server.Exec(t.Context(), "postgres",
		"CREATE ROLE relay LOGIN REPLICATION PASSWORD '"+canary+"'",
		"CREATE ROLE plain LOGIN PASSWORD '"+canary+"'",
		"CREATE ROLE blocked LOGIN REPLICATION PASSWORD '"+canary+"'",
		"CREATE DATABASE shop"); err != nil {
		t.Fatal(err)
	}
	return server
}

func TestConnectionRefusedInWords(t *testing.T) {
	t.Parallel()
	server := secured(t)
	other, err := devstack.NewCA("another CA")
	if err != nil {
		t.Fatal(err)
	}
	otherCA, err := other.WriteFile(t.TempDir(), "other")
	if err != nil {
		t.Fatal(err)
	}
	good := server.URLFor("relay", canary, "shop")
	with := func(old, replacement string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("%q is not in the URL", old)
		}
		return strings.Replace(good, old, replacement, 1)
	}
	for name, c := range map[string]struct {
		url  string
		kind postgres.Kind
		want []string
	}{
		"wrong password": {
			with(canary, canary+"x"), postgres.Refused, []string{"password authentication failed", "28P01", "postgres.password"},
		},
		"no password": {server.URLFor("relay", "", "shop"), postgres.Refused, []string{"no password was given"}},
		"wrong CA": {
			with(url.QueryEscape(server.CAFile()), url.QueryEscape(otherCA)), postgres.Untrusted,
			[]string{"unknown authority", "walpost test CA", "sslrootcert"},
		},
		"wrong address":    {with("127.0.0.1", "127.0.0.2"), postgres.Unreachable, []string{"127.0.0.2", "refused"}},
		"no such database": {with("/shop", "/shopp"), postgres.NoDatabase, []string{"database shopp: database does not exist"}},
		"no such role":     {with("relay", "relax"), postgres.Refused, []string{"as relax"}},
		"pg_hba rejects":   {with("relay", "blocked"), postgres.Refused, []string{"pg_hba.conf"}},
		"no REPLICATION": {
			with("relay", "plain"), postgres.InsufficientPrivilege, []string{"no REPLICATION attribute", `ALTER ROLE "plain" REPLICATION`},
		},
		"TLS not used": {with("verify-full", "disable"), postgres.Refused, []string{"pg_hba.conf"}},
		"prefer, wrong pwd": {
			strings.Replace(with(canary, canary+"x"), "verify-full", "prefer", 1), postgres.Refused,
			[]string{"password authentication failed"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := postgrestest.Target(c.url).Replication(t.Context())
			if err == nil {
				t.Fatal("connected")
			}
			checkNoSecret(t, err)
			if postgres.KindOf(err) != c.kind {
				t.Errorf("kind %v, want %v", postgres.KindOf(err), c.kind)
			}
			for _, want := range append(c.want, "connect to 127.0.0.") {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not in: %v", want, err)
				}
			}
		})
	}
	t.Run("good", func(t *testing.T) {
		t.Parallel()
		conn, err := postgrestest.Target(good).Replication(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := conn.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestServerCertificateRefused: a name that the certificate does not have, one
// that has expired, and a client certificate that is missing.
func TestServerCertificateRefused(t *testing.T) {
	t.Parallel()
	ca, err := devstack.NewCA("walpost test CA")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		options devstack.CertificateOptions
		client  bool
		kind    postgres.Kind
		want    string
	}{
		"other name": {
			devstack.CertificateOptions{CommonName: "db", Hosts: []string{"db.example.com"}},
			false, postgres.Untrusted,
			"is not for 127.0.0.1, but for db.example.com",
		},
		"expired": {
			devstack.CertificateOptions{CommonName: "db", Hosts: []string{"127.0.0.1"}, Expired: true},
			false, postgres.Untrusted, "expired",
		},
		"no client certificate": {
			devstack.CertificateOptions{CommonName: "db", Hosts: []string{"127.0.0.1"}}, true, postgres.Refused, "client certificate",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			certificate, err := ca.Issue(c.options)
			if err != nil {
				t.Fatal(err)
			}
			server := devstacktest.StartPostgres(t, devstack.PostgresOptions{
				TLS: &devstack.ServerTLS{CA: ca, Certificate: &certificate, ClientAuth: c.client},
			})
			_, err = postgrestest.Target(server.URL("postgres")).SQL(t.Context())
			if postgres.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v: %v, want %v and %q", postgres.KindOf(err), err, c.kind, c.want)
			}
		})
	}
}

func TestServerWithoutTLS(t *testing.T) {
	t.Parallel()
	url := strings.Replace(stack.Postgres(t).URL("postgres"), "sslmode=disable", "sslmode=require", 1)
	_, err := postgrestest.Target(url).SQL(t.Context())
	if postgres.KindOf(err) != postgres.Untrusted || !strings.Contains(err.Error(), "server has no TLS") {
		t.Errorf("%v: %v", postgres.KindOf(err), err)
	}
	// With prefer the second attempt, in plain text, says what is wrong.
	url = strings.Replace(stack.Postgres(t).URL("nowhere"), "sslmode=disable", "sslmode=prefer", 1)
	_, err = postgrestest.Target(url).SQL(t.Context())
	if postgres.KindOf(err) != postgres.NoDatabase || strings.Contains(err.Error(), "TLS") {
		t.Errorf("%v: %v", postgres.KindOf(err), err)
	}
}

func TestNobodyAnswers(t *testing.T) {
	t.Parallel()
	closed := devstacktest.FreeAddress(t)
	_, err := postgrestest.Target("postgres://u:" + canary + "@" + closed + "/d?sslmode=disable").Replication(t.Context())
	if want := "connect to " + closed + " as u, database d: connection refused"; postgres.KindOf(err) != postgres.Unreachable ||
		err.Error() != want {
		t.Errorf("%v: %v, want %s", postgres.KindOf(err), err, want)
	}
	silent := mute(t)
	start := time.Now()
	_, err = postgrestest.Target("postgres://u:" + canary + "@" + silent + "/d?sslmode=disable&connect_timeout=1").Replication(t.Context())
	if postgres.KindOf(err) != postgres.Unreachable || !strings.Contains(err.Error(), "no answer in time") ||
		time.Since(start) > time.Minute {
		t.Errorf("after %v: %v", time.Since(start), err)
	}
	checkNoSecret(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err = postgrestest.Target("postgres://u@" + silent + "/d").SQL(ctx); postgres.KindOf(err) != postgres.Canceled {
		t.Errorf("%v: %v", postgres.KindOf(err), err)
	}
}

// TestSeveralHosts: the first is down, the second serves; and when none does,
// each is named.
func TestSeveralHosts(t *testing.T) {
	t.Parallel()
	server := stack.Postgres(t)
	down := devstacktest.FreeAddress(t)
	for _, attrs := range []string{"any", "read-write", "primary"} {
		conn, err := postgrestest.Target("postgres://postgres@" + down + "," + server.Addr() +
			"/postgres?sslmode=disable&target_session_attrs=" + attrs).
			Replication(t.Context())
		if err != nil {
			t.Errorf("%s: %v", attrs, err)
			continue
		}
		conn.Close(t.Context())
	}
	_, err := postgrestest.Target("postgres://postgres@" + down + "," + server.Addr() +
		"/postgres?sslmode=disable&target_session_attrs=standby").SQL(t.Context())
	if postgres.KindOf(err) != postgres.Configuration || !strings.Contains(err.Error(), down+": connection refused") ||
		!strings.Contains(err.Error(), "target_session_attrs") {
		t.Errorf("%v: %v", postgres.KindOf(err), err)
	}
	_, err = postgrestest.Target("postgres://postgres@" + server.Addr() +
		"/postgres?sslmode=disable&target_session_attrs=standby").SQL(t.Context())
	if postgres.KindOf(err) != postgres.Configuration || !strings.Contains(err.Error(), "is a primary") {
		t.Errorf("%v: %v", postgres.KindOf(err), err)
	}
}

// TestRow98_PrimaryAmongSeveral: the primary is found whatever the role may do, and
// what is asked beside a connection goes to its server and no other.
func TestRow98_PrimaryAmongSeveral(t *testing.T) {
	t.Parallel()
	first, second := stack.Postgres(t), devstacktest.StartPostgres(t, devstack.PostgresOptions{})
	const role = "only_reads"
	if err := second.Exec(t.Context(), "postgres", "CREATE ROLE "+role+" LOGIN REPLICATION",
		"ALTER ROLE "+role+" SET default_transaction_read_only = on"); err != nil {
		t.Fatal(err)
	}
	several := "postgres://" + role + "@" + devstacktest.FreeAddress(t) + "," + second.Addr() + "/postgres"
	if _, err := replication.Open(t.Context(), postgrestest.Target(several), "none"); err != nil {
		t.Error(err)
	}
	_, err := postgrestest.Target(several + "?target_session_attrs=read-write").SQL(t.Context())
	if postgres.KindOf(err) != postgres.Configuration || !strings.Contains(err.Error(), "default_transaction_read_only") ||
		!strings.Contains(err.Error(), "primary") || strings.Contains(err.Error(), "TLS") {
		t.Errorf("%v: %v", postgres.KindOf(err), err)
	}

	port := func(target postgres.Target) string {
		t.Helper()
		var p string
		if err := postgrestest.OpenSQL(t, target).QueryRow(t.Context(), "SHOW port").Scan(&p); err != nil {
			t.Fatal(err)
		}
		return first.Addr()[:strings.LastIndex(first.Addr(), ":")+1] + p
	}
	target := postgrestest.Target("postgres://postgres@" + first.Addr() + "," + second.Addr() + "/postgres?sslmode=disable")
	beside := postgrestest.OpenSQL(t, postgrestest.Target(second.URL("postgres"))).PgConn()
	if far, near := port(target), port(target.Near(beside)); far != first.Addr() || near != second.Addr() {
		t.Errorf("%s, and near %s: want %s and %s", far, near, first.Addr(), second.Addr())
	}
	_, err = postgrestest.Target(first.URL("postgres")).Near(beside).Replication(t.Context())
	if postgres.KindOf(err) != postgres.Unreachable ||
		!strings.Contains(err.Error(), "another server") {
		t.Errorf("%v: %v", postgres.KindOf(err), err)
	}
}

// TestWordsOfLimits: what a limit of time has ended names the setting.
func TestWordsOfLimits(t *testing.T) {
	t.Parallel()
	server := devstacktest.StartPostgres(t, devstack.PostgresOptions{Major: 18})
	for setting, sql := range map[string]string{
		"statement_timeout": "SELECT pg_sleep(60)", "transaction_timeout": "BEGIN; SELECT pg_sleep(60)",
	} {
		conn := postgrestest.OpenSQL(t, postgrestest.Target(server.URL("postgres")))
		if _, err := conn.Exec(t.Context(), "SET "+setting+" = '10ms'"); err != nil {
			t.Fatal(err)
		}
		_, err := conn.PgConn().Exec(t.Context(), sql).ReadAll()
		if err = postgres.Classify("sleep", err); err == nil || !strings.Contains(err.Error(), setting) {
			t.Errorf("%s: %v", setting, err)
		}
		if setting == "transaction_timeout" { // and where the connection just says that it is closed
			_, err = conn.PgConn().Exec(t.Context(), "SELECT 1").ReadAll()
			if err = postgres.Classify("go on", err); postgres.KindOf(err) != postgres.Lost || !strings.Contains(err.Error(), setting) {
				t.Errorf("afterwards: %v: %v", postgres.KindOf(err), err)
			}
		}
	}
}
