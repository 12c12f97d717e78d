package replication

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/walpost/walpost/internal/devstack"
	"github.com/walpost/walpost/internal/devstack/devstacktest"
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
		kind Kind
		want []string
	}{
		"wrong password":    {with(canary, canary+"x"), Refused, []string{"password authentication failed", "28P01", "postgres.password"}},
		"no password":       {server.URLFor("relay", "", "shop"), Refused, []string{"no password was given"}},
		"wrong CA":          {with(url.QueryEscape(server.CAFile()), url.QueryEscape(otherCA)), Untrusted, []string{"unknown authority", "walpost test CA", "sslrootcert"}},
		"wrong address":     {with("127.0.0.1", "127.0.0.2"), Unreachable, []string{"127.0.0.2", "refused"}},
		"no such database":  {with("/shop", "/shopp"), NoDatabase, []string{"database shopp: database does not exist"}},
		"no such role":      {with("relay", "relax"), Refused, []string{"as relax"}},
		"pg_hba rejects":    {with("relay", "blocked"), Refused, []string{"pg_hba.conf"}},
		"no REPLICATION":    {with("relay", "plain"), InsufficientPrivilege, []string{"no REPLICATION attribute", `ALTER ROLE "plain" REPLICATION`}},
		"TLS not used":      {with("verify-full", "disable"), Refused, []string{"pg_hba.conf"}},
		"prefer, wrong pwd": {strings.Replace(with(canary, canary+"x"), "verify-full", "prefer", 1), Refused, []string{"password authentication failed"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := targetOf(c.url).Replication(t.Context())
			if err == nil {
				t.Fatal("connected")
			}
			checkNoSecret(t, err)
			if KindOf(err) != c.kind {
				t.Errorf("kind %v, want %v", KindOf(err), c.kind)
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
		conn, err := targetOf(good).Replication(t.Context())
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
		kind    Kind
		want    string
	}{
		"other name":            {devstack.CertificateOptions{CommonName: "db", Hosts: []string{"db.example.com"}}, false, Untrusted, "is not for 127.0.0.1, but for db.example.com"},
		"expired":               {devstack.CertificateOptions{CommonName: "db", Hosts: []string{"127.0.0.1"}, Expired: true}, false, Untrusted, "expired"},
		"no client certificate": {devstack.CertificateOptions{CommonName: "db", Hosts: []string{"127.0.0.1"}}, true, Refused, "client certificate"},
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
			_, err = targetOf(server.URL("postgres")).SQL(t.Context())
			if KindOf(err) != c.kind || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v: %v, want %v and %q", KindOf(err), err, c.kind, c.want)
			}
		})
	}
}

func TestServerWithoutTLS(t *testing.T) {
	t.Parallel()
	url := strings.Replace(stack.Postgres(t).URL("postgres"), "sslmode=disable", "sslmode=require", 1)
	_, err := targetOf(url).SQL(t.Context())
	if KindOf(err) != Untrusted || !strings.Contains(err.Error(), "server has no TLS") {
		t.Errorf("%v: %v", KindOf(err), err)
	}
	// With prefer the second attempt, in plain text, says what is wrong.
	url = strings.Replace(stack.Postgres(t).URL("nowhere"), "sslmode=disable", "sslmode=prefer", 1)
	_, err = targetOf(url).SQL(t.Context())
	if KindOf(err) != NoDatabase || strings.Contains(err.Error(), "TLS") {
		t.Errorf("%v: %v", KindOf(err), err)
	}
}

func TestNobodyAnswers(t *testing.T) {
	t.Parallel()
	closed := closedPort(t)
	_, err := targetOf("postgres://u:" + canary + "@" + closed + "/d?sslmode=disable").Replication(t.Context())
	if want := "connect to " + closed + " as u, database d: connection refused"; KindOf(err) != Unreachable || err.Error() != want {
		t.Errorf("%v: %v, want %s", KindOf(err), err, want)
	}
	silent := mute(t)
	start := time.Now()
	_, err = targetOf("postgres://u:" + canary + "@" + silent + "/d?sslmode=disable&connect_timeout=1").Replication(t.Context())
	if KindOf(err) != Unreachable || !strings.Contains(err.Error(), "no answer in time") || time.Since(start) > 8*time.Second {
		t.Errorf("after %v: %v", time.Since(start), err)
	}
	checkNoSecret(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err = targetOf("postgres://u@" + silent + "/d").SQL(ctx); KindOf(err) != Canceled {
		t.Errorf("%v: %v", KindOf(err), err)
	}
}

// TestSeveralHosts: the first is down, the second serves; and when none does,
// each is named.
func TestSeveralHosts(t *testing.T) {
	t.Parallel()
	server := stack.Postgres(t)
	down := closedPort(t)
	for _, attrs := range []string{"any", "read-write", "primary"} {
		conn, err := targetOf("postgres://postgres@" + down + "," + server.Addr() + "/postgres?sslmode=disable&target_session_attrs=" + attrs).
			Replication(t.Context())
		if err != nil {
			t.Errorf("%s: %v", attrs, err)
			continue
		}
		conn.Close(t.Context())
	}
	_, err := targetOf("postgres://postgres@" + down + "," + server.Addr() + "/postgres?sslmode=disable&target_session_attrs=standby").SQL(t.Context())
	if KindOf(err) != Unreachable || !strings.Contains(err.Error(), down+": connection refused") || !strings.Contains(err.Error(), "target_session_attrs") {
		t.Errorf("%v: %v", KindOf(err), err)
	}
	_, err = targetOf("postgres://postgres@" + server.Addr() + "/postgres?sslmode=disable&target_session_attrs=standby").SQL(t.Context())
	if KindOf(err) != Standby {
		t.Errorf("%v: %v", KindOf(err), err)
	}
}

// TestTextDoesNotDependOnTheRole: settings of role and database that change how
// values are printed have no effect on either connection.
func TestTextDoesNotDependOnTheRole(t *testing.T) {
	t.Parallel()
	db := stack.Database(t)
	role := stack.Name(t)
	db.Exec(t, "CREATE ROLE "+role+" LOGIN REPLICATION",
		"ALTER ROLE "+role+" SET DateStyle = 'German'", "ALTER ROLE "+role+" SET TimeZone = 'Asia/Tokyo'",
		"ALTER ROLE "+role+" SET bytea_output = 'escape'", "ALTER ROLE "+role+" SET extra_float_digits = 0",
		"ALTER ROLE "+role+" SET IntervalStyle = 'sql_standard'", "ALTER ROLE "+role+" SET client_encoding = 'LATIN1'",
		"ALTER ROLE "+role+" SET lock_timeout = '1ms'", "ALTER ROLE "+role+" SET statement_timeout = '1ms'",
		"ALTER ROLE "+role+" SET search_path = 'public'")
	const query = `SELECT '\x00ff'::bytea::text, timestamptz '2026-01-01 00:00:00+00', 0.1::float8 + 0.2::float8,
		interval '1 day 2 hours', current_setting('search_path'), current_setting('client_encoding'),
		current_setting('lock_timeout'), current_setting('statement_timeout'), current_setting('application_name')`
	want := `\x00ff|2026-01-01 00:00:00+00|0.30000000000000004|1 day 02:00:00|pg_catalog|UTF8|0|0|walpost`
	target := targetOf(db.Server.URLFor(role, "", db.Name))

	conn, err := target.Replication(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	results, err := conn.Exec(t.Context(), query).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, value := range results[0].Rows[0] {
		got = append(got, string(value))
	}
	if strings.Join(got, "|") != want {
		t.Errorf("replication: %s, want %s", strings.Join(got, "|"), want)
	}

	plain, err := target.SQL(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close(t.Context())
	var text string
	if err := plain.QueryRow(t.Context(), "SELECT current_setting('TimeZone') || current_setting('DateStyle')").Scan(&text); err != nil {
		t.Fatal(err)
	}
	if text != "UTCISO, MDY" {
		t.Errorf("sql: %s", text)
	}
}
