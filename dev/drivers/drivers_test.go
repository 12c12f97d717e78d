package drivers_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
)

var stack devstacktest.Stack

func TestMain(m *testing.M) { os.Exit(stack.Main(m)) }

// A service with lib/pq, pgx, sqlx and GORM writes, keeps, consumes, projects and prunes events: directly, and behind PgBouncer
// in transaction mode, whether or not it keeps prepared statements.
func TestDrivers(t *testing.T) {
	t.Parallel()
	tests := build(t)
	server, broker := stack.Postgres(t), stack.Kafka(t).Bootstrap(devstack.Plaintext)[0]
	run := func(t *testing.T, arguments ...string) {
		t.Helper()
		arguments = append([]string{"-test.v", "-postgres", server.URL("postgres"), "-broker", broker}, arguments...)
		if out, err := exec.CommandContext(t.Context(), tests, arguments...).CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	}
	const pool = 4 // fewer connections than the services have, so that they share them
	t.Run("directly", func(t *testing.T) {
		t.Parallel()
		run(t)
	})
	t.Run("pooler", func(t *testing.T) {
		t.Parallel()
		run(t, "-pooler", devstacktest.StartPgBouncer(t, server, devstack.PgBouncerOptions{PoolSize: pool}).URL("postgres"))
	})
	t.Run("pooler with prepared statements", func(t *testing.T) {
		t.Parallel()
		version, keeps, err := devstack.KeepsPreparedStatements(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if !keeps {
			t.Logf("NOT TRIED: %s has no max_prepared_statements, which begins with 1.21", version)
			return
		}
		options := devstack.PgBouncerOptions{PoolSize: pool, PreparedStatements: 100}
		run(t, "-prepares", "-pooler", devstacktest.StartPgBouncer(t, server, options).URL("postgres"))
	})
}

// build compiles the tests of the service. What this tree requires anew is added to a copy of its go.mod.
func build(t *testing.T) string {
	t.Helper()
	devstacktest.SkipShort(t, "servers, and modules that are fetched")
	folder := t.TempDir()
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join("service", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tests := filepath.Join(folder, "service.test")
	cmd := exec.CommandContext(t.Context(), "go", "test", "-c", "-mod=mod", "-modfile", filepath.Join(folder, "go.mod"), "-o", tests, ".")
	cmd.Dir, cmd.Env = "service", append(os.Environ(), "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return tests
}
