package devstack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// superuser is the role that initdb makes.
const superuser = "postgres"

// startLimit is how long a server may take to answer, on a busy machine.
const startLimit = 3 * time.Minute

// PostgresOptions describe a Postgres to start. The zero value is any installed major, on plain TCP without passwords.
type PostgresOptions struct {
	// Major is the wanted major version, 14 to 18; 0 takes the newest that is installed, else fetches one.
	Major int
	// Settings go into postgresql.conf, over the defaults (wal_level=logical, fsync=off and so on).
	Settings map[string]string
	// Fsync turns fsync and full_page_writes on, as a server in earnest has them.
	Fsync bool
	// Password, when set, is the superuser's, and TCP connections must prove a password by SCRAM-SHA-256.
	Password string
	// TLS, when set, makes TLS the only way in by TCP.
	TLS *ServerTLS
	// HBA replaces the lines of pg_hba.conf for TCP connections; those for the Unix socket stay.
	HBA []string
	// Progress gets a line for each slow step, such as a fetch; nil for none.
	Progress io.Writer
}

// Postgres is a server with its folder. It keeps its port and data over stops and starts. Its methods that change its
// state must not be called at the same time.
type Postgres struct {
	options PostgresOptions
	install installation
	guard   *guard
	port    int
	held    *ports // that port; nil before it is chosen
	server  *process
}

// StartPostgres creates a new server and returns when it answers. Close ends it.
func StartPostgres(ctx context.Context, options PostgresOptions) (*Postgres, error) {
	install, err := findPostgres(ctx, options.Major, options.Progress)
	if err != nil {
		return nil, err
	}
	owner, err := unprivileged()
	if err != nil {
		return nil, err
	}
	guard, err := newGuard(ctx, "postgres", owner)
	if err != nil {
		return nil, err
	}
	p := &Postgres{options: options, install: install, guard: guard}
	if err := p.create(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("start Postgres %d from %s: %w", install.major, install.bin, err), p.Close())
	}
	return p, nil
}

// create creates the data folder and starts the server on a port that turns out to be
// free.
func (p *Postgres) create(ctx context.Context) error {
	argv := []string{
		filepath.Join(p.install.bin, "initdb"), "--pgdata=" + p.DataDir(), "--username=" + superuser,
		"--encoding=UTF8", "--no-locale", "--auth=trust", "--no-sync", "--no-instructions",
	}
	if err := p.guard.run(ctx, "initdb.log", argv...); err != nil {
		return err
	}
	if err := p.configure(); err != nil {
		return err
	}
	if err := p.startOnFreePort(ctx); err != nil || p.options.Password == "" {
		return err
	}
	return p.Exec(ctx, superuser, "ALTER ROLE "+superuser+" PASSWORD "+quoteLiteral(p.options.Password))
}

// startOnFreePort tries another port when somebody else was faster.
func (p *Postgres) startOnFreePort(ctx context.Context) (err error) {
	const attempts = 5
	for range attempts {
		free, portErr := freePorts(ctx, 1)
		if portErr != nil {
			return portErr
		}
		p.port, p.held = free.numbers[0], free
		if err = p.Start(ctx); err == nil || !portTaken(err) {
			return err
		}
		free.release()
	}
	return err
}

// portTaken reports whether Postgres, Java or PgBouncer failed because another process has the port:
// all use the same words.
func portTaken(err error) bool { return strings.Contains(err.Error(), "Address already in use") }

// configure writes postgresql.conf and pg_hba.conf.
func (p *Postgres) configure() error {
	settings := p.baseSettings()
	if p.options.TLS != nil {
		if err := p.writeTLS(settings); err != nil {
			return err
		}
	}
	maps.Copy(settings, p.options.Settings)
	var conf strings.Builder
	for _, key := range slices.Sorted(maps.Keys(settings)) {
		fmt.Fprintf(&conf, "%s = %s\n", key, quoteLiteral(settings[key]))
	}
	if _, err := p.guard.write("data/postgresql.conf", []byte(conf.String())); err != nil {
		return err
	}
	hba := append([]string{hbaLine("local", "all", "", "trust"), hbaLine("local", "replication", "", "trust")}, p.hostLines()...)
	_, err := p.guard.write("data/pg_hba.conf", []byte(strings.Join(hba, "\n")+"\n"))
	return err
}

// baseSettings are those of every server, but for what its options say.
func (p *Postgres) baseSettings() map[string]string {
	return map[string]string{ //nolint:gosec // password_encryption is no password
		"listen_addresses":           loopback,
		"unix_socket_directories":    p.guard.dir,
		"wal_level":                  "logical",
		"max_replication_slots":      "100",
		"max_wal_senders":            "100",
		"max_connections":            "200",
		"fsync":                      onOff(p.options.Fsync),
		"full_page_writes":           onOff(p.options.Fsync),
		"dynamic_shared_memory_type": "mmap", // files in the folder, which go with it
		"password_encryption":        "scram-sha-256",
		"log_line_prefix":            "%m [%p] %q%u@%d ",
		"timezone":                   "UTC",
		"log_timezone":               "UTC",
	}
}

// hostLines are the lines of pg_hba.conf for TCP.
func (p *Postgres) hostLines() []string {
	if p.options.HBA != nil {
		return p.options.HBA
	}
	kind, method := "host", "trust"
	if p.options.Password != "" {
		method = "scram-sha-256"
	}
	if p.options.TLS != nil {
		kind = "hostssl"
		if p.options.TLS.ClientAuth {
			method += " clientcert=verify-ca"
		}
	}
	return []string{
		hbaLine(kind, "all", loopback+"/32", method),
		hbaLine(kind, "replication", loopback+"/32", method),
	}
}

// hbaLine is a line of pg_hba.conf for all roles.
func hbaLine(kind, database, from, method string) string {
	return strings.Join([]string{kind, database, "all", from, method}, " ")
}

// writeTLS puts the certificates into the data folder.
func (p *Postgres) writeTLS(settings map[string]string) error {
	certificate, err := p.options.TLS.certificate()
	if err != nil {
		return err
	}
	files := map[string][]byte{
		"server.crt": certificate.CertPEM, "server.key": certificate.KeyPEM, "ca.crt": p.options.TLS.CA.PEM(),
	}
	for name, data := range files {
		if _, err := p.guard.write("data/"+name, data); err != nil {
			return err
		}
	}
	settings["ssl"], settings["ssl_cert_file"], settings["ssl_key_file"] = "on", "server.crt", "server.key"
	settings["ssl_ca_file"] = "ca.crt"
	return nil
}

// Exec runs statements one by one in a database as superuser.
func (p *Postgres) Exec(ctx context.Context, database string, statements ...string) error {
	conn, err := p.Connect(ctx, database)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	for _, sql := range statements {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
	}
	return nil
}

// Connect opens a connection as superuser through the Unix socket, which needs neither password nor TLS, whatever the
// options are. The caller closes it.
func (p *Postgres) Connect(ctx context.Context, database string) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig("sslmode=disable")
	if err != nil {
		return nil, err
	}
	config.Host, config.Port = p.guard.dir, uint16(p.port)
	config.User, config.Password, config.Database = superuser, "", database
	config.Fallbacks = nil
	return pgx.ConnectConfig(ctx, config)
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

// quoteLiteral quotes a string for SQL and for postgresql.conf.
func quoteLiteral(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// Close ends the server at once and removes its folder.
func (p *Postgres) Close() error {
	err := p.guard.close()
	if p.held != nil {
		p.held.release()
	}
	return err
}

// CAFile is the file with the CA's certificate, for sslrootcert; the server must have TLS.
func (p *Postgres) CAFile() string { return filepath.Join(p.DataDir(), "ca.crt") }

// DataDir is the data folder.
func (p *Postgres) DataDir() string { return p.guard.path("data") }

// LogFile is the file with everything the server has written.
func (p *Postgres) LogFile() string { return p.guard.path(postgresLog) }

// LogTail is the end of LogFile.
func (p *Postgres) LogTail() string { return tail(p.LogFile(), 0) }

// Major is the server's major version.
func (p *Postgres) Major() int { return p.install.major }

// BinDir is the folder of the server's programs. A fetched one has only initdb, pg_ctl and postgres; see Tool.
func (p *Postgres) BinDir() string { return p.install.bin }

// Tool finds a client program such as pg_recvlogical: the server's own, else of any other installed major.
func (p *Postgres) Tool(name string) (string, error) {
	others, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // the pattern is well formed
	slices.Reverse(others)                                  // newest first
	for _, dir := range append([]string{p.install.bin}, others...) {
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	return "", fmt.Errorf("no %s found: install the Debian package postgresql-client", name)
}
