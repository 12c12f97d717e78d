package inbox_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/pkg/inbox"
)

// A child is this test program as a consumer, so that a test can kill or freeze it.
const (
	childEnv = "WALPOST_INBOX_CHILD" // brokers group topic database
	// Where the child says so and waits: commit, handler, or frozen, which is handler with a
	// short AttemptTimeout.
	childStop  = "WALPOST_INBOX_STOP"
	stopID     = "stop" // the event at which it does
	atStop     = "at stop"
	whereAfter = "commit"
)

func child() int {
	field := strings.Fields(os.Getenv(childEnv))
	where, attempt := os.Getenv(childStop), 20*time.Second
	if where == "frozen" {
		where, attempt = "handler", 2*time.Second
	}
	wait := func(at string, e *inbox.Event) {
		if at != where || e.ID != stopID {
			return
		}
		_, _ = fmt.Fprintln(os.Stdout, atStop)
		if at == whereAfter {
			select {} // to be killed
		}
		_, _ = bufio.NewReader(os.Stdin).ReadString('\n') // to be frozen, and to go on
	}
	p := &pool{url: field[3]}
	consumer, err := inbox.New(inbox.Config{
		Brokers: []string{field[0]}, Group: field[1], Topics: []string{field[2]}, ConfigureSarama: quick, AttemptTimeout: attempt,
		Observers: []inbox.Observer{inbox.ObserverFunc(func(o inbox.Observation) {
			if o.Kind == inbox.KindProcessed {
				wait(whereAfter, o.Event)
			}
			if o.Kind == inbox.KindRevoked {
				_, _ = fmt.Fprintln(os.Stdout, "revoked")
			}
		})},
	}, inbox.Pgx(p), func(ctx context.Context, tx pgx.Tx, e *inbox.Event) error {
		wait("handler", e)
		return effect(ctx, tx, e, "child")
	})
	if err == nil {
		err = consumer.Run(context.Background())
	}
	_, _ = fmt.Fprintln(os.Stderr, err)
	return 1
}

// process is a child that runs.
type process struct {
	*exec.Cmd
	lines *bufio.Scanner
	input interface{ Close() error }
}

func (f *fixture) startChild(t *testing.T, group, stopAt string) *process {
	t.Helper()
	cmd := devstacktest.Again(t, childStop+"="+stopAt,
		childEnv+"="+strings.Join([]string{f.kafka.Bootstrap(devstack.Plaintext)[0], group, f.topic, f.URL}, " "))
	cmd.Stderr = os.Stderr
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return &process{cmd, bufio.NewScanner(output), input}
}

// awaitLine reads until the child says so.
func (p *process) awaitLine(t *testing.T, line string) {
	t.Helper()
	for p.lines.Scan() {
		if p.lines.Text() == line {
			return
		}
	}
	t.Fatalf("the child ended before it said %q", line)
}

func (p *process) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := p.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// Killed after the commit and before the mark, the event comes again and has no
// second effect.
func TestRow74_KilledBetweenCommitAndMark(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	f.events(t, 0, 20, 5)
	f.send(t, f.message(stopID, "k1"))
	f.events(t, 20, 20, 5)
	config := f.config(t)
	repeated := make(chan string, 100)
	config.Observers = append(config.Observers, inbox.ObserverFunc(func(o inbox.Observation) {
		if o.Kind == inbox.KindRepeated {
			repeated <- o.Event.ID
		}
	}))
	child := f.startChild(t, config.Group, whereAfter)
	child.awaitLine(t, atStop)
	if n := f.number(t, "SELECT count(*) FROM effect WHERE id = $1", stopID); n != 1 {
		t.Fatalf("%d effects before the kill, want 1", n)
	}
	child.signal(t, syscall.SIGKILL)
	f.start(t, config, record)
	f.once(t, 41)
	for id := range repeated {
		if id == stopID {
			return
		}
	}
}

// A member that is frozen within its transaction loses its partition; when it wakes,
// what it still does has no effect of its own.
func TestRow74_Zombie(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	f.events(t, 0, 20, 5)
	f.send(t, f.message(stopID, "k1"))
	f.events(t, 20, 20, 5)
	config := f.config(t)
	child := f.startChild(t, config.Group, "handler")
	child.awaitLine(t, atStop)
	child.signal(t, syscall.SIGSTOP) // with the row of the inbox inserted and not committed
	f.start(t, config, func(ctx context.Context, tx pgx.Tx, e *inbox.Event) error { return effect(ctx, tx, e, "heir") })
	devstacktest.Await(t, "the heir to wait for the frozen transaction", func() bool {
		return f.number(t, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") > 0
	})
	child.signal(t, syscall.SIGCONT)
	if err := child.input.Close(); err != nil { // the handler goes on
		t.Fatal(err)
	}
	child.awaitLine(t, "revoked")
	f.once(t, 41)
}

// A member that stays frozen does not hold up its heir for longer than an attempt.
func TestRow74_FrozenForEver(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	f.send(t, f.message(stopID, "k1"))
	f.events(t, 0, 10, 1)
	config := f.config(t)
	child := f.startChild(t, config.Group, "frozen")
	child.awaitLine(t, atStop)
	n := f.number(t, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'`)
	if n != 1 {
		t.Fatalf("%d transactions wait for a handler, want 1", n)
	}
	child.signal(t, syscall.SIGSTOP)
	f.start(t, config, record)
	f.once(t, 11)
}
