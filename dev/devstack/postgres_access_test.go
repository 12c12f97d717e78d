package devstack_test

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/dev/devstack/pause"
)

// login tries a URL.
func login(ctx context.Context, url string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}

// wantError fails the test unless err has the words.
func wantError(t *testing.T, what string, err error, words string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), words) {
		t.Errorf("%s: error %v, want one with %q", what, err, words)
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

func TestPostgresWithTLSAndPasswords(t *testing.T) {
	ca, stranger := authority(t, "ours"), authority(t, "stranger")
	p := devstacktest.StartPostgres(t, devstack.PostgresOptions{
		Password: "it's secret",
		TLS:      &devstack.ServerTLS{CA: ca, ClientAuth: true},
	})
	client, err := ca.Client("walpost")
	if err != nil {
		t.Fatal(err)
	}
	cert, key, err := client.WriteFiles(t.TempDir(), "client")
	if err != nil {
		t.Fatal(err)
	}
	strangerCA, err := stranger.WriteFile(t.TempDir(), "stranger")
	if err != nil {
		t.Fatal(err)
	}
	withCert := "&sslcert=" + cert + "&sslkey=" + key
	ctx := t.Context()
	if err := login(ctx, p.URL("postgres")+withCert); err != nil {
		t.Errorf("with certificate and password: %v", err)
	}
	wantError(t, "no certificate", login(ctx, p.URL("postgres")), "certificate")
	wantError(t, "wrong password", login(ctx, p.URLFor("postgres", "wrong", "postgres")+withCert), "28P01")
	foreign := strings.Replace(p.URL("postgres"), "sslrootcert=", "sslrootcert="+strangerCA+"&was=", 1)
	wantError(t, "foreign CA", login(ctx, foreign+withCert), "unknown authority")
	plain := strings.Replace(p.URL("postgres"), "sslmode=verify-full", "sslmode=disable", 1)
	wantError(t, "without TLS", login(ctx, plain), "28000")
	if method, err := storedPassword(ctx, p); err != nil || !strings.HasPrefix(method, "SCRAM-SHA-256$") {
		t.Errorf("password is stored as %q, %v", method, err)
	}
}

func storedPassword(ctx context.Context, p *devstack.Postgres) (stored string, err error) {
	conn, err := p.Connect(ctx, "postgres")
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx)
	err = conn.QueryRow(ctx, "SELECT rolpassword FROM pg_authid WHERE rolname = 'postgres'").Scan(&stored)
	return stored, err
}

func TestPostgresShowsAnExpiredCertificate(t *testing.T) {
	ca := authority(t, "ours")
	expired, err := ca.Issue(devstack.CertificateOptions{CommonName: "localhost", Hosts: []string{"127.0.0.1"}, Expired: true})
	if err != nil {
		t.Fatal(err)
	}
	p := devstacktest.StartPostgres(t, devstack.PostgresOptions{TLS: &devstack.ServerTLS{CA: ca, Certificate: &expired}})
	wantError(t, "expired", login(t.Context(), p.URL("postgres")), "expired")
}

func TestPostgresPauseFreezesBackendsToo(t *testing.T) {
	p := devstacktest.StartPostgres(t, devstack.PostgresOptions{Settings: map[string]string{"work_mem": "5MB"}})
	conn, err := pgx.Connect(t.Context(), p.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if err := p.Pause(); err != nil {
		t.Fatal(err)
	}
	answer := make(chan string, 1)
	go func() {
		var workMem string
		if err := conn.QueryRow(t.Context(), "SHOW work_mem").Scan(&workMem); err != nil {
			workMem = err.Error()
		}
		answer <- workMem
	}()
	pause.Real(t, 200*time.Millisecond, "a backend that is not frozen would answer")
	select {
	case got := <-answer:
		t.Fatalf("a frozen backend answered %q", got)
	default:
	}
	if err := p.Resume(); err != nil {
		t.Fatal(err)
	}
	if got := <-answer; got != "5MB" {
		t.Errorf("work_mem is %q, want the setting 5MB", got)
	}
}

func TestPostgresOfOtherMajors(t *testing.T) {
	for major, want := range map[int]string{14: "14", 18: "18"} { // 14 is fetched with Maven, 18 with npm if it is there
		t.Run(want, func(t *testing.T) {
			p := devstacktest.StartPostgres(t, devstack.PostgresOptions{Major: major})
			conn, err := pgx.Connect(t.Context(), p.URL("postgres"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close(t.Context())
			var version string
			if err := conn.QueryRow(t.Context(), "SHOW server_version").Scan(&version); err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(version, want+".") || p.Major() != major {
				t.Errorf("version %s, major %d, want %s", version, p.Major(), want)
			}
			if _, err := conn.Exec(t.Context(), "SELECT pg_create_logical_replication_slot('s', 'pgoutput')"); err != nil {
				t.Error(err)
			}
		})
	}
	_, err := devstack.StartPostgres(t.Context(), devstack.PostgresOptions{Major: 9})
	wantError(t, "major 9", err, "14 to 18")
}

func TestSharedPostgresDropsDatabasesWithSlots(t *testing.T) {
	var name string
	t.Run("uses it", func(t *testing.T) {
		db := stack.Database(t)
		name = db.Name
		db.Exec(t, "SELECT pg_create_logical_replication_slot('"+name+"', 'pgoutput')")
		if err := login(t.Context(), db.URL); err != nil {
			t.Fatal(err)
		}
	})
	conn, err := stack.Postgres(t).Connect(t.Context(), "postgres")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	var left int
	err = conn.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM pg_database WHERE datname = $1) + (SELECT count(*) FROM `+
		`pg_replication_slots WHERE slot_name = $1)`, name).Scan(&left)
	if err != nil || left != 0 {
		t.Errorf("%d of database and slot are left, %v", left, err)
	}
}

func TestPostgresStreamsThroughAProxy(t *testing.T) {
	db := stack.Database(t)
	proxy, err := devstack.NewProxy(t.Context(), db.Server.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { proxy.Close() })
	tool, err := db.Server.Tool("pg_recvlogical")
	if err != nil {
		t.Fatal(err)
	}
	db.Exec(t, "CREATE PUBLICATION "+db.Name+" FOR ALL TABLES",
		"SELECT pg_create_logical_replication_slot('"+db.Name+"', 'pgoutput')")
	receive := exec.CommandContext(t.Context(), tool, "--dbname="+db.Server.URLVia(proxy.Addr(), "postgres", "", db.Name),
		"--slot="+db.Name, "--start", "--file=-", "--option=proto_version=1", "--option=publication_names="+db.Name, "--no-loop")
	if err := receive.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		pids, err := db.Server.WalsenderPIDs(t.Context())
		if err == nil && len(pids) != 1 {
			err = fmt.Errorf("%d walsenders, want 1", len(pids))
		}
		return err
	})
	proxy.Cut()
	if err := receive.Wait(); err == nil {
		t.Error("pg_recvlogical took the cut for an orderly end")
	}
}
