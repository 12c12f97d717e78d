package errtext_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/walpost/walpost/internal/errtext"
)

const data = "alice@example.com"

type declined struct{ card string }

func (d declined) Error() string { return "declined: " + d.card }

// pqError has the fields of lib/pq's Error.
type pqError struct{ Code, Message, Detail, Table, Column, Constraint string }

func (e *pqError) Error() string    { return "pq: " + e.Message }
func (e *pqError) SQLState() string { return e.Code }

func TestSummary(t *testing.T) {
	t.Parallel()
	unique := &pgconn.PgError{
		Code: "23505", Message: "duplicate key " + data, Detail: "Key (mail)=(" + data + ")", Hint: data, Where: data,
		TableName: "users", ConstraintName: "users_mail_key",
	}
	for _, c := range []struct {
		err            error
		class, summary string
	}{
		{
			fmt.Errorf("user %s: %w", data, unique), "SQLSTATE 23505",
			"SQLSTATE 23505 (*pgconn.PgError), table users, constraint users_mail_key",
		},
		{&pgconn.PgError{Code: "23502", ColumnName: "mail"}, "SQLSTATE 23502", "SQLSTATE 23502 (*pgconn.PgError), column mail"},
		{
			&pqError{Code: "23505", Message: data, Detail: data, Table: "users", Constraint: "k"}, "SQLSTATE 23505",
			"SQLSTATE 23505 (*errtext_test.pqError), table users, constraint k",
		},
		{
			&pgconn.PgError{Code: "42P05", Message: data}, "SQLSTATE 42P05",
			"SQLSTATE 42P05 (*pgconn.PgError): behind a pooler in transaction mode a driver must not keep prepared statements; " +
				"with pgx set default_query_exec_mode=exec",
		},
		{&pgconn.PgError{Code: data}, "*pgconn.PgError", "*pgconn.PgError"},
		{errors.New(data), "*errors.errorString", "*errors.errorString"},
		{fmt.Errorf("%s: %w", data, declined{data}), "errtext_test.declined", "errtext_test.declined"},
		{errors.Join(declined{data}, io.EOF), "errtext_test.declined", "closed by the server (errtext_test.declined)"},
		{
			&net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}, "syscall.Errno",
			"connection refused (syscall.Errno)",
		},
		{
			fmt.Errorf("%s: %w", data, context.DeadlineExceeded), "context.deadlineExceededError",
			"no answer in time (context.deadlineExceededError)",
		},
	} {
		class, summary := errtext.Class(c.err), errtext.Summary(c.err)
		if class != c.class || summary != c.summary || strings.Contains(class+summary, data) {
			t.Errorf("%v: %q, %q, want %q, %q", c.err, class, summary, c.class, c.summary)
		}
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	for state, want := range map[string]string{
		"42P01": " (create the table: CREATE)", "42703": " (its form is that of an earlier version: ALTER)",
		"42P10": " (its form is that of an earlier version: ALTER)", "42501": "",
	} {
		if got := errtext.Table(fmt.Errorf("insert: %w", &pqError{Code: state}), "CREATE", "ALTER"); got != want {
			t.Errorf("%s: %q, want %q", state, got, want)
		}
	}
	if got := errtext.Table(io.EOF, "CREATE", "ALTER"); got != "" {
		t.Errorf("no SQLSTATE: %q", got)
	}
}
