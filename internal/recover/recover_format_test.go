package recover_test

import (
	"testing"

	"github.com/walpost/walpost/internal/recover"
	"github.com/walpost/walpost/internal/recover/recovertest"
)

// A recovery writes rows in the formats of the relay, byte for byte.
func TestRecoverWritesFormats(t *testing.T) {
	t.Parallel()
	f := recovertest.New(t, &stack, recovertest.Formats())
	f.Start(t)
	f.Exec(t, recovertest.FillVaried)
	f.Confirmed(t)
	if err := f.End(t); err != nil {
		t.Fatal(err)
	}
	f.Released(t)
	once := written(t, f)
	if len(once) != 175 {
		t.Fatalf("%d records", len(once))
	}
	f.Recover(t, recover.Selection{All: true}, true)
	for line := range once {
		once[line]++
	}
	recovertest.WantWritten(t, written(t, f), once)
}

func written(t *testing.T, f *recovertest.Fixture) map[string]int {
	t.Helper()
	records, err := stack.Kafka(t).Records(t.Context(), f.Topic)
	if err != nil {
		t.Fatal(err)
	}
	return recovertest.Written(records)
}
