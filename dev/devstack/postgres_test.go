package devstack_test

import (
	"context"
	"net"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
)

// count is the number of rows of table t, asked by TCP.
func count(t *testing.T, url string) int {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	var n int
	if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM t").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// wantPortTaken stops a server, sits on its port and wants the start to say so in the words by which a new server tries
// another port; then it starts the server again.
func wantPortTaken(t *testing.T, addr string, stop, start func(context.Context) error) {
	t.Helper()
	if err := stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	squatter, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	wantError(t, "port taken", start(t.Context()), "Address already in use")
	if err := squatter.Close(); err != nil {
		t.Fatal(err)
	}
	if err := start(t.Context()); err != nil {
		t.Fatalf("start on the free port: %v", err)
	}
}

func TestPostgresKeepsDataOverEveryEnd(t *testing.T) {
	p := devstacktest.StartPostgres(t, devstack.PostgresOptions{})
	ctx := t.Context()
	if err := p.Exec(ctx, "postgres", "CREATE TABLE t (a int)"); err != nil {
		t.Fatal(err)
	}
	wantPortTaken(t, p.Addr(), func(ctx context.Context) error { return p.Stop(ctx, devstack.StopFast) }, p.Start)
	ends := map[string]func() error{
		"smart":     func() error { return p.Stop(ctx, devstack.StopSmart) },
		"fast":      func() error { return p.Stop(ctx, devstack.StopFast) },
		"immediate": func() error { return p.Stop(ctx, devstack.StopImmediate) },
		"kill":      func() error { return p.Kill(ctx) },
	}
	rows := 0
	for name, end := range ends {
		port := p.Port()
		if err := p.Exec(ctx, "postgres", "INSERT INTO t VALUES (1)"); err != nil {
			t.Fatal(err)
		}
		rows++
		if err := end(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := p.Connect(ctx, "postgres"); err == nil {
			t.Fatalf("%s: the server still answers", name)
		}
		if err := p.Start(ctx); err != nil {
			t.Fatalf("start after %s: %v", name, err)
		}
		if p.Port() != port {
			t.Errorf("%s: port was %d and is %d", name, port, p.Port())
		}
		if got := count(t, p.URL("postgres")); got != rows {
			t.Errorf("%s: %d rows, want %d", name, got, rows)
		}
	}
}
