// Package errtext says what an error is without the data that its text may have.
//
// Postgres quotes values ("invalid input syntax for type integer: …"), and whoever wraps an
// error adds what it likes. What is left is the SQLSTATE, names of table, column and
// constraint, the reason why a connection failed, and the type in Go. It depends on the
// standard library and internal/neterr alone.
package errtext

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"

	"github.com/walpost/walpost/internal/neterr"
)

// stated is an error of Postgres, by pgx or by lib/pq.
type stated interface {
	error
	SQLState() string
}

// Class returns the SQLSTATE of an error, or the type of the innermost error.
func Class(err error) string {
	var state stated
	if errors.As(err, &state) && isState(state.SQLState()) {
		return "SQLSTATE " + state.SQLState()
	}
	return fmt.Sprintf("%T", innermost(err))
}

// Summary returns what an error is, without data: "SQLSTATE 23505 (*pgconn.PgError), table
// payments, constraint payments_pkey".
func Summary(err error) string {
	var state stated
	if errors.As(err, &state) && isState(state.SQLState()) {
		return fmt.Sprintf("SQLSTATE %s (%T)%s%s", state.SQLState(), state, names(state), pooled(state.SQLState()))
	}
	if bug, ok := errors.AsType[runtime.Error](err); ok {
		return bug.Error() // an index, a nil pointer, a type
	}
	kind := fmt.Sprintf("%T", innermost(err))
	if _, reason := neterr.TLS(err); reason != "" {
		return reason + " (" + kind + ")"
	}
	if reason := neterr.Reason(err); reason != "" {
		return reason + " (" + kind + ")"
	}
	return kind
}

// pooled returns what mends the errors that drivers get behind a pooler in transaction mode.
func pooled(state string) string {
	if state == "42P05" || state == "26000" {
		return ": behind a pooler in transaction mode a driver must not keep prepared statements; with pgx set default_query_exec_mode=exec"
	}
	return ""
}

// Table returns what mends an error about a table of a library, in brackets: create makes one that
// is missing, alter changes one that the version before has made. "" if neither is the fault.
func Table(err error, create, alter string) string {
	var state stated
	if !errors.As(err, &state) {
		return ""
	}
	switch state.SQLState() {
	case "42P01": // undefined_table
		return " (create the table: " + create + ")"
	case "42703", "42P10": // undefined_column, and no key for ON CONFLICT
		return " (its form is that of an earlier version: " + alter + ")"
	}
	return ""
}

// isState reports whether this is a SQLSTATE: five digits or capital letters.
func isState(s string) bool {
	const length = 5
	return len(s) == length && strings.Trim(s, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

// names returns what an error of pgx or of lib/pq names in fields of its own.
func names(err error) string {
	v := reflect.Indirect(reflect.ValueOf(err))
	if v.Kind() != reflect.Struct {
		return ""
	}
	var b strings.Builder
	for _, what := range []string{"Table", "Column", "Constraint"} {
		for _, field := range []string{what + "Name", what} {
			if f := v.FieldByName(field); f.IsValid() && f.Kind() == reflect.String && f.String() != "" {
				b.WriteString(", " + strings.ToLower(what) + " " + f.String())
				break
			}
		}
	}
	return b.String()
}

// innermost returns the error at the end of the chain; of joined errors, the first.
func innermost(err error) error {
	for {
		inner := errors.Unwrap(err)
		if several, ok := err.(interface{ Unwrap() []error }); ok && len(several.Unwrap()) > 0 {
			inner = several.Unwrap()[0]
		}
		if inner == nil {
			return err
		}
		err = inner
	}
}
