package devstack

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"syscall"
)

const postgresLog = "postgres.log"

// StopMode is how Postgres is shut down, as in pg_ctl stop.
type StopMode int

// The three ways, by what becomes of connected clients.
const (
	StopFast      StopMode = iota // disconnects them; walsenders first send all WAL
	StopSmart                     // waits for them to leave
	StopImmediate                 // drops them without a checkpoint: crash recovery at the next start
)

// signal is the one that Postgres takes for the mode (PostgreSQL documentation, "Shutting Down the Server").
func (m StopMode) signal() syscall.Signal {
	switch m {
	case StopSmart:
		return syscall.SIGTERM
	case StopImmediate:
		return syscall.SIGQUIT
	default:
		return syscall.SIGINT
	}
}

// Start starts a stopped or killed server on the same port and data, and returns when it answers.
func (p *Postgres) Start(ctx context.Context) error {
	if p.running() {
		return errors.New("postgres is running already")
	}
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	server, err := p.guard.start(ctx, postgresLog, filepath.Join(p.install.bin, "postgres"),
		"-D", p.DataDir(), "-p", fmt.Sprint(p.port))
	if err != nil {
		return err
	}
	p.server = server
	return poll(ctx, func() error {
		if server.ended() {
			return fmt.Errorf("%w: %w", errGiveUp, server.failure())
		}
		conn, err := p.Connect(ctx, superuser)
		if err != nil {
			return err
		}
		return conn.Close(ctx)
	})
}

// Stop shuts the server down and returns when it has ended, or with an error when ctx is done first: it then goes on
// shutting down, and Stop can be called again, with a harder mode too.
func (p *Postgres) Stop(ctx context.Context, mode StopMode) error {
	if err := p.server.signal(mode.signal()); err != nil {
		return err
	}
	return p.server.wait(ctx)
}

// Kill ends every process of the server with SIGKILL, as a crash of the machine would.
func (p *Postgres) Kill(ctx context.Context) error { return p.server.kill(ctx) }

// Pause freezes every process of the server with SIGSTOP: connections stay open and nothing answers.
func (p *Postgres) Pause() error { return p.server.pause() }

// Resume ends a Pause.
func (p *Postgres) Resume() error { return p.server.resume() }

// PID is the process number of the postmaster.
func (p *Postgres) PID() int { return p.server.pid() }

// WalsenderPIDs lists the processes that stream WAL now.
func (p *Postgres) WalsenderPIDs(ctx context.Context) ([]int, error) {
	conn, err := p.Connect(ctx, superuser)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	var pids []int
	err = conn.QueryRow(ctx, `SELECT coalesce(array_agg(pid), '{}') FROM pg_stat_replication`).Scan(&pids)
	return pids, err
}

func (p *Postgres) running() bool { return p.server != nil && !p.server.ended() }
