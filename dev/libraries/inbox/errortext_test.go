package inbox_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/pkg/inbox"
)

// What handler and database say of a record is in dead letters and logs only where it is
// asked for.
func TestErrorText(t *testing.T) {
	t.Parallel()
	const secret = "alice@example.com"
	handle := func(ctx context.Context, tx pgx.Tx, e *inbox.Event) error {
		switch e.ID {
		case "number":
			_, err := tx.Exec(ctx, "SELECT '"+secret+"'::int")
			return fmt.Errorf("user %s: %w", secret, err)
		case "unique":
			_, err := tx.Exec(ctx, "INSERT INTO users VALUES ($1)", secret)
			return err
		case "own":
			return inbox.Permanent(errors.New(secret))
		case "panic":
			panic(secret)
		}
		return nil
	}
	for _, asked := range []bool{false, true} {
		t.Run(fmt.Sprint(asked), func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, 1)
			f.Exec(t, "CREATE TABLE users (mail text CONSTRAINT one_mail UNIQUE)", "INSERT INTO users VALUES ('"+secret+"')")
			var log devstacktest.Output
			config := f.config(t)
			config.ErrorText = asked
			config.Observers = append(config.Observers, inbox.Log(slog.New(slog.NewTextHandler(&log, nil))))
			m := f.start(t, config, handle)
			ids := []string{"number", "unique", "own", "panic"}
			for _, id := range ids {
				f.send(t, f.message(id, "k"))
			}
			devstacktest.Await(t, "the dead letters", func() bool { records, _ := f.letters(t); return len(records) == len(ids) })
			m.end(t)
			_, headers := f.letters(t)
			for i, want := range []struct{ without, with string }{
				{"SQLSTATE 22P02 (*pgconn.PgError)", "user " + secret + ": ERROR: invalid input syntax"},
				{"SQLSTATE 23505 (*pgconn.PgError), table users, constraint one_mail", "ERROR: duplicate key"},
				{"*errors.errorString", secret},
				{"panic: string", "inbox: handler: panic: " + secret},
			} {
				got := headers[i]["walpost-dlt-error"]
				if asked && !strings.HasPrefix(got, want.with) || !asked && got != want.without {
					t.Errorf("%s: %q, want %+v", ids[i], got, want)
				}
			}
			if got := strings.Contains(fmt.Sprint(headers)+log.String(), secret); got != asked {
				t.Errorf("data in dead letters or logs: %v\n%v\n%s", got, headers, log.String())
			}
			if !strings.Contains(log.String(), "23505") {
				t.Errorf("the log lacks the SQLSTATE: %s", log.String())
			}
		})
	}
	t.Run("Run returns all of it", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t, 1)
		var log devstacktest.Output
		config := f.config(t)
		config.OnReject = inbox.StopConsumer
		config.Observers = append(config.Observers, inbox.Log(slog.New(slog.NewTextHandler(&log, nil))))
		m := f.start(t, config, handle)
		f.send(t, f.message("number", "k"))
		devstacktest.Receive(t, "the end of Run", m.done)
		if _, ok := errors.AsType[*pgconn.PgError](m.err); !ok || !strings.Contains(m.err.Error(), secret) {
			t.Error(m.err)
		}
		if text := log.String(); strings.Contains(text, secret) || !strings.Contains(text, "22P02") ||
			!strings.Contains(text, f.topic+"/0 offset 0") {
			t.Error(text)
		}
	})
}

// What is not a record's is told in full: the inbox's own statements, Kafka.
func TestErrorTextOfItsOwn(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	f.Exec(t, "ALTER TABLE inbox DROP COLUMN event_digest CASCADE")
	var log devstacktest.Output
	config := f.config(t)
	config.Observers = append(config.Observers, inbox.Log(slog.New(slog.NewTextHandler(&log, nil))))
	m := f.start(t, config, record)
	f.events(t, 0, 1, 1)
	devstacktest.Receive(t, "the end of Run", m.done)
	for _, word := range []string{"insert into the inbox table", "ALTER TABLE inbox ADD COLUMN", "SQLSTATE 42703"} {
		if !strings.Contains(log.String(), word) {
			t.Errorf("%s, want it to say %q", log.String(), word)
		}
	}
}
