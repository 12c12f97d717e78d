package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/walpost/walpost/internal/postgres"
)

// TestKindGoesBySQLSTATE: messages are in the server's language, codes and
// routines are not.
func TestKindGoesBySQLSTATE(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pg   pgconn.PgError
		kind postgres.Kind
		pid  int
	}{
		{pgconn.PgError{Code: "55006", Message: `Replikations-Slot »s1« ist aktiv für PID 4711`}, postgres.SlotActive, 4711},
		{pgconn.PgError{Code: "42704", Routine: "ReplicationSlotAcquire"}, postgres.SlotMissing, 0},
		{pgconn.PgError{Code: "42704", Routine: "get_publication_oid"}, postgres.PublicationMissing, 0},
		{pgconn.PgError{Code: "08P01", Message: "unsupported startup parameter: replication"}, postgres.Pooler, 0},
		{pgconn.PgError{Code: "57P01"}, postgres.Lost, 0},
		{pgconn.PgError{Code: "57P03"}, postgres.Unreachable, 0},
		{pgconn.PgError{Code: "53300"}, postgres.TooMany, 0},
		{pgconn.PgError{Code: "XX000"}, postgres.Unexpected, 0},
	} {
		err := postgres.Classify("op", fmt.Errorf("wrapped: %w", &c.pg))
		e, ok := errors.AsType[*postgres.Error](err)
		if !ok || e.Kind != c.kind || e.PID != c.pid || e.Code != c.pg.Code {
			t.Errorf("%s: %+v", c.pg.Code, err)
		}
		if pg, ok := errors.AsType[*pgconn.PgError](err); !ok || pg != &c.pg {
			t.Errorf("%s: the server's answer is not in the chain", c.pg.Code)
		}
	}
}

func TestClassifyWithoutServer(t *testing.T) {
	t.Parallel()
	if err := postgres.Classify("op", nil); err != nil {
		t.Errorf("nil became %v", err)
	}
	for _, c := range []struct {
		err  error
		kind postgres.Kind
	}{
		{io.ErrUnexpectedEOF, postgres.Lost},
		{pgconn.ErrConnClosed, postgres.Lost},
		{fmt.Errorf("timeout: %w", context.DeadlineExceeded), postgres.Canceled},
		{pgx.ErrNoRows, postgres.Unexpected},
	} {
		err := postgres.Classify("op", c.err)
		if postgres.KindOf(err) != c.kind {
			t.Errorf("%v: %v", c.err, postgres.KindOf(err))
		}
		if again := postgres.Classify("other", err); !errors.Is(again, err) {
			t.Errorf("classified twice: %v", again)
		}
	}
	_, err := pgconn.ParseConfig("host=h password=c4nary s3cret") // pgconn's own redaction misses the blank
	err = postgres.Classify("op", err)
	if postgres.KindOf(err) != postgres.Configuration {
		t.Errorf("%v", err)
	}
	checkNoSecret(t, err)
}

func TestEveryKindHasAName(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for k := postgres.Unexpected; k <= postgres.Lost; k++ {
		if name := k.String(); name == "" || seen[name] {
			t.Errorf("kind %d is %q", int(k), name)
		} else {
			seen[name] = true
		}
	}
	if postgres.Unexpected.String() != "unexpected" || postgres.Lost.String() != "lost" {
		t.Errorf("names are shifted: %s, %s", postgres.Unexpected, postgres.Lost)
	}
}
