package recover_test

import (
	"testing"

	"github.com/walpost/walpost/internal/recover"
	"github.com/walpost/walpost/internal/recover/recovertest"
)

// A first start publishes the rows of the table as the relay publishes the same rows, byte
// for byte, whatever the form of the records.
func TestFirstStartWritesTheRecordsOfTheRelay(t *testing.T) {
	t.Parallel()
	for name, keys := range recovertest.Forms() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := firstStart(recovertest.New(t, &stack, keys))
			f.Exec(t, recovertest.Widen, recovertest.FillWide)
			if result := f.Recover(t, recover.Selection{All: true}, false); result.Rows != recovertest.WideRows || result.Skipped > 0 {
				t.Fatalf("%+v", result)
			}
			once := written(t, f)
			if len(once) != recovertest.WideRows {
				t.Fatalf("%d records", len(once))
			}
			f.Reinsert(t)
			f.Deliver(t)
			for line := range once {
				once[line]++
			}
			recovertest.WantWritten(t, written(t, f), once)
		})
	}
}
