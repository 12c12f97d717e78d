package outbox

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestIDsRiseOverAllGoroutines(t *testing.T) {
	t.Parallel()
	o, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	const routines, each = 8, 2000
	made := make([][]string, routines)
	var all sync.WaitGroup
	for i := range routines {
		all.Add(1)
		go func() {
			defer all.Done()
			for range each {
				made[i] = append(made[i], o.NewID())
			}
		}()
	}
	all.Wait()
	seen := make(map[string]bool)
	for _, ids := range made {
		last := ""
		for _, id := range ids {
			if seen[id] || id <= last {
				t.Fatalf("%s after %s, seen before %v", id, last, seen[id])
			}
			seen[id], last = true, id
		}
	}
}

func TestIDIsAUUIDOfVersion7(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(0x17F22E279B0).Add(500 * time.Microsecond) // of RFC 9562, A.6
	var g ids
	g.batch(now, 3, func(i int, id string) {
		if !isUUID(id) || !strings.HasPrefix(id, "017f22e2-79b0-780"+strconv.Itoa(i)) || !strings.ContainsAny(id[19:20], "89ab") {
			t.Errorf("%d: %s", i, id)
		}
	})
}

// The clock may go back; ids do not.
func TestIDsWhenTheClockGoesBack(t *testing.T) {
	t.Parallel()
	var g ids
	last := ""
	for _, now := range []time.Time{time.UnixMilli(2000), time.UnixMilli(1000), time.UnixMilli(1000), time.UnixMilli(2001)} {
		g.batch(now, 5000, func(_ int, id string) { // 5,000 are more than a millisecond has
			if id <= last {
				t.Fatalf("%s after %s", id, last)
			}
			last = id
		})
	}
}

func TestIDsFillTheGapsOnly(t *testing.T) {
	t.Parallel()
	o, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	const own = "01890a5d-ac96-774b-bcce-b302099a8057"
	e := Event{AggregateType: "a", AggregateID: "b", Type: "c"}
	mine := e
	mine.ID = own
	rows, err := o.rows(context.Background(), []Event{e, mine, e, mine, mine, e})
	if err != nil {
		t.Fatal(err)
	}
	last := ""
	for i, r := range rows {
		id := r[indexID].text
		if given := i == 1 || i == 3 || i == 4; given != (id == own) {
			t.Errorf("event %d has %s", i, id)
		} else if !given {
			if id <= last {
				t.Errorf("%s after %s", id, last)
			}
			last = id
		}
	}
}

func TestChunksAreBounded(t *testing.T) {
	t.Parallel()
	big := row{{text: strings.Repeat("x", maxStatementBytes/3)}}
	if n := chunk([]row{big, big, big, big}); n != 3 {
		t.Errorf("%d rows", n)
	}
	if n := chunk([]row{{{text: strings.Repeat("x", maxStatementBytes+1)}}, big}); n != 1 {
		t.Errorf("%d rows: one must always go", n)
	}
}
