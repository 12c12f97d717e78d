package inbox_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/walpost/walpost/pkg/inbox"
)

// memory returns a DB that remembers what is inserted.
func memory(digests *[]string) inbox.DB[int] {
	return inbox.DB[int]{
		Transact: func(_ context.Context, do func(int) error) error { return do(0) },
		Exec: func(_ context.Context, _ int, _ string, args ...any) (int64, error) {
			*digests = append(*digests, args[3].(string))
			return 1, nil
		},
	}
}

// An event is the same one at its next attempt, whatever the handler did with it at the
// first.
func TestHandlerCannotMakeItAnotherEvent(t *testing.T) {
	t.Parallel()
	var digests []string
	db := memory(&digests)
	e := &inbox.Event{Topic: "t", ID: "1", Type: "a", Key: []byte("k"), Payload: []byte("p")}
	failed := errors.New("failed")
	for range 2 {
		err := inbox.Attempt(t.Context(), db, e, func(_ context.Context, _ int, e *inbox.Event) error {
			e.ID, e.Type, e.Key, e.Payload = "2", "b", nil, []byte("decrypted")
			return failed
		})
		if !errors.Is(err, failed) {
			t.Fatal(err)
		}
	}
	if len(digests) != 2 || len(slices.Compact(digests)) != 1 {
		t.Errorf("digests %v", digests)
	}
}

type stateError string

func (e stateError) Error() string    { return string(e) }
func (e stateError) SQLState() string { return string(e) }

// What mends a table of an earlier version names the key that Postgres made of the table's
// name.
func TestKeyOfAnEarlierVersion(t *testing.T) {
	t.Parallel()
	for table, want := range map[string]string{
		"inbox": "DROP CONSTRAINT inbox_pkey,", "sales.handled": "ALTER TABLE sales.handled ADD COLUMN",
		"Handled": "DROP CONSTRAINT handled_pkey,", `sales."In"`: `DROP CONSTRAINT "In_pkey",`,
	} {
		if got := inbox.TableFix(table, stateError("42P10")); !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", table, got, want)
		}
	}
	if got := inbox.TableFix("inbox", stateError("40001")); got != "" {
		t.Errorf("of another error: %s", got)
	}
}
