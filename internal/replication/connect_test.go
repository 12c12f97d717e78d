package replication

import (
	"bytes"
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/preflight"
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
			_, err := targetOf(c.url).Replication(t.Context())
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
			_, err = targetOf(server.URL("postgres")).SQL(t.Context())
			if postgres.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v: %v, want %v and %q", postgres.KindOf(err), err, c.kind, c.want)
			}
		})
	}
}

func TestServerWithoutTLS(t *testing.T) {
	t.Parallel()
	url := strings.Replace(stack.Postgres(t).URL("postgres"), "sslmode=disable", "sslmode=require", 1)
	_, err := targetOf(url).SQL(t.Context())
	if postgres.KindOf(err) != postgres.Untrusted || !strings.Contains(err.Error(), "server has no TLS") {
		t.Errorf("%v: %v", postgres.KindOf(err), err)
	}
	// With prefer the second attempt, in plain text, says what is wrong.
	url = strings.Replace(stack.Postgres(t).URL("nowhere"), "sslmode=disable", "sslmode=prefer", 1)
	_, err = targetOf(url).SQL(t.Context())
	if postgres.KindOf(err) != postgres.NoDatabase || strings.Contains(err.Error(), "TLS") {
		t.Errorf("%v: %v", postgres.KindOf(err), err)
	}
}

func TestNobodyAnswers(t *testing.T) {
	t.Parallel()
	closed := devstacktest.FreeAddress(t)
	_, err := targetOf("postgres://u:" + canary + "@" + closed + "/d?sslmode=disable").Replication(t.Context())
	if want := "connect to " + closed + " as u, database d: connection refused"; postgres.KindOf(err) != postgres.Unreachable ||
		err.Error() != want {
		t.Errorf("%v: %v, want %s", postgres.KindOf(err), err, want)
	}
	silent := mute(t)
	start := time.Now()
	_, err = targetOf("postgres://u:" + canary + "@" + silent + "/d?sslmode=disable&connect_timeout=1").Replication(t.Context())
	if postgres.KindOf(err) != postgres.Unreachable || !strings.Contains(err.Error(), "no answer in time") ||
		time.Since(start) > time.Minute {
		t.Errorf("after %v: %v", time.Since(start), err)
	}
	checkNoSecret(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err = targetOf("postgres://u@" + silent + "/d").SQL(ctx); postgres.KindOf(err) != postgres.Canceled {
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
		conn, err := targetOf("postgres://postgres@" + down + "," + server.Addr() +
			"/postgres?sslmode=disable&target_session_attrs=" + attrs).
			Replication(t.Context())
		if err != nil {
			t.Errorf("%s: %v", attrs, err)
			continue
		}
		conn.Close(t.Context())
	}
	_, err := targetOf("postgres://postgres@" + down + "," + server.Addr() +
		"/postgres?sslmode=disable&target_session_attrs=standby").SQL(t.Context())
	if postgres.KindOf(err) != postgres.Configuration || !strings.Contains(err.Error(), down+": connection refused") ||
		!strings.Contains(err.Error(), "target_session_attrs") {
		t.Errorf("%v: %v", postgres.KindOf(err), err)
	}
	_, err = targetOf("postgres://postgres@" + server.Addr() + "/postgres?sslmode=disable&target_session_attrs=standby").SQL(t.Context())
	if postgres.KindOf(err) != postgres.Configuration || !strings.Contains(err.Error(), "is a primary") {
		t.Errorf("%v: %v", postgres.KindOf(err), err)
	}
}

// TestSessionSettings: settings of role and database have no effect on any session,
// neither on how values are printed nor on how long it may last.
func TestSessionSettings(t *testing.T) {
	t.Parallel()
	db := stack.Database(t)
	role := stack.Name(t)
	db.Exec(t, "CREATE ROLE "+role+" LOGIN REPLICATION")
	other := map[string]string{
		"DateStyle": "German", "TimeZone": "Asia/Tokyo", "bytea_output": "escape", "extra_float_digits": "0",
		"IntervalStyle":   "sql_standard",
		"client_encoding": "LATIN1", "lc_monetary": "C.UTF-8", "search_path": "public", "quote_all_identifiers": "on", "row_security": "on",
		"standard_conforming_strings": "off",
	}
	for _, s := range postgres.SessionSettings() {
		if s.Since > db.Server.Major() {
			continue
		}
		value, known := other[s.Name]
		if !known {
			value = "1h" // a limit of time
		}
		db.Exec(t, "ALTER ROLE "+role+" SET "+s.Name+" TO '"+value+"'")
	}
	target := targetOf(db.Server.URLFor(role, "", db.Name))
	conn, err := target.Replication(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	session, err := Open(t.Context(), target, "none")
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close(t.Context())
	for name, conn := range map[string]*pgconn.PgConn{"replication": conn, "stream": session.conn, "plain": openSQL(t, target).PgConn()} {
		for _, s := range postgres.SessionSettings() {
			row, err := postgres.OneRow(t.Context(), conn, "SELECT current_setting('"+s.Name+"', true)")
			if err != nil {
				t.Fatal(err)
			}
			if known := row[0] != nil; known != (s.Since <= db.Server.Major()) || known && string(row[0]) != s.Value {
				t.Errorf("%s: %s is %q, want %q", name, s.Name, row[0], s.Value)
			}
		}
		const query = `SELECT '\x00ff'::bytea::text, timestamptz '2026-01-01 00:00:00+00', 0.1::float8 + 0.2::float8,
			interval '1 day 2 hours', 'pg_class'::regclass, current_setting('application_name')`
		row, err := postgres.OneRow(t.Context(), conn, query)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := string(bytes.Join(row, []byte("|"))),
			`\x00ff|2026-01-01 00:00:00+00|0.30000000000000004|1 day 02:00:00|pg_class|walpost`; got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
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
	if _, err := Open(t.Context(), targetOf(several), "none"); err != nil {
		t.Error(err)
	}
	_, err := targetOf(several + "?target_session_attrs=read-write").SQL(t.Context())
	if postgres.KindOf(err) != postgres.Configuration || !strings.Contains(err.Error(), "default_transaction_read_only") ||
		!strings.Contains(err.Error(), "primary") || strings.Contains(err.Error(), "TLS") {
		t.Errorf("%v: %v", postgres.KindOf(err), err)
	}

	port := func(target postgres.Target) string {
		t.Helper()
		var p string
		if err := openSQL(t, target).QueryRow(t.Context(), "SHOW port").Scan(&p); err != nil {
			t.Fatal(err)
		}
		return first.Addr()[:strings.LastIndex(first.Addr(), ":")+1] + p
	}
	target := targetOf("postgres://postgres@" + first.Addr() + "," + second.Addr() + "/postgres?sslmode=disable")
	beside := openSQL(t, targetOf(second.URL("postgres"))).PgConn()
	if far, near := port(target), port(target.Near(beside)); far != first.Addr() || near != second.Addr() {
		t.Errorf("%s, and near %s: want %s and %s", far, near, first.Addr(), second.Addr())
	}
	if _, err := targetOf(first.URL("postgres")).Near(beside).Replication(t.Context()); postgres.KindOf(err) != postgres.Unreachable ||
		!strings.Contains(err.Error(), "another server") {
		t.Errorf("%v: %v", postgres.KindOf(err), err)
	}
}

// TestHostsInCheck: how the server is found among several is one line, which warns
// where that may go wrong.
func TestHostsInCheck(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]preflight.State{
		"": preflight.OK, "?target_session_attrs=primary": preflight.OK, "?target_session_attrs=any": preflight.Warning,
		"?target_session_attrs=read-write": preflight.Warning, "?target_session_attrs=prefer-standby": preflight.Warning,
	} {
		hosts, err := targetOf("postgres://u@a,b/d" + query).Hosts()
		if err != nil {
			t.Fatal(err)
		}
		if list := preflight.HostsRequirements(hosts); len(list) != 1 || list[0].State != want {
			t.Errorf("%s: %+v", query, list)
		}
	}
	hosts, err := targetOf("postgres://u@a/d?target_session_attrs=any").Hosts()
	if err != nil || len(preflight.HostsRequirements(hosts)) != 0 {
		t.Errorf("%+v, %v", hosts, err)
	}
}

// TestWordsOfLimits: what a limit of time has ended names the setting.
func TestWordsOfLimits(t *testing.T) {
	t.Parallel()
	server := devstacktest.StartPostgres(t, devstack.PostgresOptions{Major: 18})
	for setting, sql := range map[string]string{
		"statement_timeout": "SELECT pg_sleep(60)", "transaction_timeout": "BEGIN; SELECT pg_sleep(60)",
	} {
		conn := openSQL(t, targetOf(server.URL("postgres")))
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
