package projection_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/pkg/projection"
)

// A child is this test program as a projection, so that a test can kill it.
const (
	childEnv = "WALPOST_PROJECTION_CHILD" // run or rebuild, broker, topic, database
	everyN   = 137                        // after so many records it says so
)

func child() int {
	field := strings.Fields(os.Getenv(childEnv))
	var applied atomic.Int64
	p, err := projection.New(projection.Config{
		Name: "totals", Brokers: []string{field[1]}, Topics: []string{field[2]}, Tables: []string{"totals"}, Batch: 20,
		ConfigureSarama: quick,
	}, projection.Pgx(pool{field[3]}), func(ctx context.Context, tx pgx.Tx, e *projection.Event) error {
		if applied.Add(1) == everyN {
			_, _ = fmt.Fprintln(os.Stdout, "now") // within a transaction
		}
		return apply(ctx, tx, e)
	})
	work := (*projection.Projection).Run
	if field[0] == "rebuild" {
		work = (*projection.Projection).Rebuild
	}
	if err == nil {
		err = work(p, context.Background())
	}
	_, _ = fmt.Fprintln(os.Stderr, err)
	return 1
}

// killed runs a child until it says so, and kills it.
func (f *fixture) killed(t *testing.T, work string) {
	t.Helper()
	cmd := devstacktest.Again(t, childEnv+"="+strings.Join([]string{
		work, stack.Kafka(t).Bootstrap(devstack.Plaintext)[0], f.topic,
		f.URL,
	},
		" "))
	cmd.Stderr = os.Stderr
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(output)
	if !lines.Scan() {
		t.Error("the child ended by itself")
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

// Killed again and again, a projection applies each record once.
func TestKilled(t *testing.T) {
	t.Parallel()
	for _, work := range []string{"run", "rebuild"} {
		t.Run(work, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, 2)
			f.send(t, 6, 1, 200)
			for range 4 {
				f.killed(t, work)
			}
			if n := f.number(t, "SELECT sum(next_offset) FROM projection_position"); n < 300 || n > 1000 {
				t.Errorf("at %d after being killed four times", n)
			}
			p := f.new(t, f.config(t), apply)
			if work == "rebuild" {
				if n := f.number(t, "SELECT count(*) FROM totals"); n != 0 {
					t.Error("the table in use was touched")
				}
				if err := p.Rebuild(t.Context()); err != nil {
					t.Fatal(err)
				}
				f.exact(t, 6, 1, 200)
				return
			}
			start(t, p).waitAndEnd(t, f, 6, 200)
		})
	}
}
