package devstack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"

	"github.com/jackc/pgx/v5"
)

// ErrNoPgBouncer is what StartPgBouncer returns where there is none and it cannot be installed.
var ErrNoPgBouncer = errors.New("no pgbouncer found: install it (Debian: pgbouncer)")

// PgBouncerOptions describe a pooler in transaction mode.
type PgBouncerOptions struct {
	// PoolSize is how many connections to the server it keeps for each database.
	PoolSize int
	// PreparedStatements is max_prepared_statements; 0 keeps none. Before version 1.21 there is no other.
	PreparedStatements int
	// Progress gets a line for each slow step, such as a fetch; nil for none.
	Progress io.Writer
}

// PgBouncer is a pooler before a server that asks for no password.
type PgBouncer struct {
	server *Postgres
	guard  *guard
	held   *ports
}

// StartPgBouncer starts a pooler before a server and returns when it answers. Close ends it.
func StartPgBouncer(ctx context.Context, server *Postgres, options PgBouncerOptions) (*PgBouncer, error) {
	program, err := FindPgBouncer(ctx, options.Progress)
	if err != nil {
		return nil, err
	}
	owner, err := unprivileged() // it refuses to run as root
	if err != nil {
		return nil, err
	}
	guard, err := newGuard(ctx, "pgbouncer", owner)
	if err != nil {
		return nil, err
	}
	b := &PgBouncer{server: server, guard: guard}
	const attempts = 5
	for range attempts { // somebody may take the port between our choice and its start
		if b.held, err = freePorts(ctx, 1); err != nil {
			break
		}
		if err = b.start(ctx, program, options); err == nil {
			return b, nil
		}
		b.held.release()
		if !portTaken(err) {
			break
		}
	}
	return nil, errors.Join(fmt.Errorf("start PgBouncer: %w", err), b.Close())
}

func (b *PgBouncer) start(ctx context.Context, program string, options PgBouncerOptions) error {
	settings := fmt.Sprintf(`[databases]
* = host=%s port=%d user=%s
[pgbouncer]
listen_addr = %s
listen_port = %d
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = %d
`, loopback, b.server.Port(), superuser, loopback, b.held.numbers[0], options.PoolSize)
	if n := options.PreparedStatements; n > 0 {
		settings += fmt.Sprintf("max_prepared_statements = %d\n", n)
	}
	file, err := b.guard.write("pgbouncer.ini", []byte(settings))
	if err != nil {
		return err
	}
	process, err := b.guard.start(ctx, pgbouncerLog, program, file)
	if err != nil {
		return err
	}
	return poll(ctx, func() error {
		if process.ended() {
			return fmt.Errorf("%w: %w", errGiveUp, process.failure())
		}
		conn, err := pgx.Connect(ctx, b.URL(superuser))
		if err != nil {
			return err
		}
		_ = conn.Close(ctx)  // it has answered
		if process.ended() { // then somebody else has the port
			return fmt.Errorf("%w: %w", errGiveUp, process.failure())
		}
		return nil
	})
}

const pgbouncerLog = "pgbouncer.log"

// URL is for the superuser, by TCP.
func (b *PgBouncer) URL(database string) string {
	return b.server.URLVia(address(b.held.numbers[0]), superuser, "", database)
}

// LogTail is the end of what it has written.
func (b *PgBouncer) LogTail() string { return tail(b.guard.path(pgbouncerLog), 0) }

// Close ends it at once and removes its folder.
func (b *PgBouncer) Close() error {
	err := b.guard.close()
	if b.held != nil {
		b.held.release()
	}
	return err
}

// FindPgBouncer returns the program from PATH and where Debian keeps it. apt installs it if there is none.
func FindPgBouncer(ctx context.Context, progress io.Writer) (string, error) {
	if path := installedPgBouncer(); path != "" {
		return path, nil
	}
	if err := aptInstall(ctx, progress, "pgbouncer"); err != nil {
		return "", fmt.Errorf("%w (%w)", ErrNoPgBouncer, err)
	}
	if path := installedPgBouncer(); path != "" {
		return path, nil
	}
	return "", ErrNoPgBouncer
}

func installedPgBouncer() string {
	if path, err := exec.LookPath("pgbouncer"); err == nil {
		return path
	}
	const debian = "/usr/sbin/pgbouncer" // not in the PATH of most users
	if _, err := os.Stat(debian); err != nil {
		return ""
	}
	return debian
}

var pgbouncerVersion = regexp.MustCompile(`PgBouncer (\d+)\.(\d+)`)

// KeepsPreparedStatements reports whether the installed PgBouncer has max_prepared_statements: from 1.21 on.
func KeepsPreparedStatements(ctx context.Context, progress io.Writer) (version string, keeps bool, err error) {
	program, err := FindPgBouncer(ctx, progress)
	if err != nil {
		return "", false, err
	}
	out, err := exec.CommandContext(ctx, program, "--version").Output() //nolint:gosec // a program we found
	if err != nil {
		return "", false, err
	}
	m := pgbouncerVersion.FindSubmatch(out)
	if m == nil {
		return "", false, fmt.Errorf("%s --version answers %q", program, out)
	}
	major, _ := strconv.Atoi(string(m[1])) // digits
	minor, _ := strconv.Atoi(string(m[2]))
	return string(m[0]), major > 1 || minor >= 21, nil
}
