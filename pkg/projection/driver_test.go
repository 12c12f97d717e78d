package projection_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"testing"

	"github.com/jackc/pgx/v5"
)

// openSQL opens a database/sql pool over pgx. It is as much of a driver as these
// tests need, so that the module does not need what pgx/v5/stdlib does.
func openSQL(t testing.TB, url string) *sql.DB {
	t.Helper()
	pool := sql.OpenDB(connector{url})
	t.Cleanup(func() { _ = pool.Close() })
	return pool
}

type connector struct{ url string }

func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := pgx.Connect(ctx, c.url)
	return &driverConn{conn: conn}, err
}

func (c connector) Driver() driver.Driver { return nil }

type driverConn struct {
	conn *pgx.Conn
	tx   pgx.Tx
}

func (c *driverConn) Prepare(string) (driver.Stmt, error) { return nil, errors.ErrUnsupported }
func (c *driverConn) Begin() (driver.Tx, error)           { return nil, errors.ErrUnsupported }
func (c *driverConn) Close() error                        { return c.conn.Close(context.Background()) }

func (c *driverConn) BeginTx(ctx context.Context, options driver.TxOptions) (_ driver.Tx, err error) {
	var level pgx.TxIsoLevel
	if options.Isolation == driver.IsolationLevel(sql.LevelReadCommitted) {
		level = pgx.ReadCommitted
	}
	c.tx, err = c.conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: level})
	return driverTx{c.tx}, err
}

type driverTx struct{ tx pgx.Tx }

func (t driverTx) Commit() error   { return t.tx.Commit(context.Background()) }
func (t driverTx) Rollback() error { return t.tx.Rollback(context.Background()) }

func plain(args []driver.NamedValue) []any {
	values := make([]any, len(args))
	for i, a := range args {
		values[i] = a.Value
	}
	return values
}

func (c *driverConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	tag, err := c.conn.Exec(ctx, query, plain(args)...)
	return driver.RowsAffected(tag.RowsAffected()), err
}

func (c *driverConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	rows, err := c.conn.Query(ctx, query, plain(args)...)
	return &driverRows{rows}, err
}

type driverRows struct{ rows pgx.Rows }

func (r *driverRows) Columns() []string {
	names := make([]string, len(r.rows.FieldDescriptions()))
	for i, f := range r.rows.FieldDescriptions() {
		names[i] = f.Name
	}
	return names
}

func (r *driverRows) Close() error {
	r.rows.Close()
	return r.rows.Err()
}

func (r *driverRows) Next(into []driver.Value) error {
	if !r.rows.Next() {
		if err := r.rows.Err(); err != nil {
			return err
		}
		return io.EOF
	}
	values, err := r.rows.Values()
	if err != nil {
		return err
	}
	for i, v := range values {
		into[i] = v
	}
	return nil
}
