// Package examplestest gives real servers to the examples of a package.
package examplestest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/walpost/walpost/dev/devstack"
)

// Servers are what examples use.
type Servers struct {
	Pool *pgxpool.Pool
	DB   *sql.DB // the same pool, for database/sql

	kafka *Kafka
}

// Main starts Postgres, prepares the examples, runs them and returns the exit code.
func Main(ctx context.Context, m *testing.M, prepare func(context.Context, *Servers) error) int {
	code, err := run(ctx, m, prepare)
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "examples:", err)
		return 1
	}
	return code
}

func run(ctx context.Context, m *testing.M, prepare func(context.Context, *Servers) error) (code int, err error) {
	postgres, err := devstack.StartPostgres(ctx, devstack.PostgresOptions{})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, postgres.Close()) }()
	pool, err := pgxpool.New(ctx, postgres.URL("postgres"))
	if err != nil {
		return 0, err
	}
	defer pool.Close()
	s := &Servers{Pool: pool, DB: stdlib.OpenDBFromPool(pool)}
	defer func() {
		err = errors.Join(err, s.DB.Close())
		if s.kafka != nil {
			err = errors.Join(err, s.kafka.close())
		}
	}()
	if err := prepare(ctx, s); err != nil {
		return 0, err
	}
	return m.Run(), nil
}
