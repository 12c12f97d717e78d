package killed_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"github.com/IBM/sarama"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver pgx

	"github.com/walpost/walpost/dev/devstack/devstacktest"
)

var stack devstacktest.Stack

// childEnv holds a child in JSON.
const childEnv = "WALPOST_KILLED_CHILD"

// TestMain runs the tests, or is one of the processes that they kill.
func TestMain(m *testing.M) {
	if text := os.Getenv(childEnv); text != "" {
		os.Exit(runChild(text))
	}
	os.Exit(stack.Main(m))
}

// child is what a process needs to know.
type child struct {
	Work     string // a key of works
	Brokers  []string
	Group    string
	Instance string // static id of a member; "": it has none
	Topics   []string
	Database string
}

// works are what a process can do, until ctx ends.
var works = map[string]func(context.Context, child, *sql.DB) error{
	"consume": consume, "redrive": redrive, "project": project, "rebuild": rebuild,
}

func runChild(text string) int {
	var c child
	err := json.Unmarshal([]byte(text), &c)
	if err == nil {
		err = c.run()
	}
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func (c child) run() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	db, err := sql.Open("pgx", c.Database)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	return works[c.Work](ctx, c, db)
}

// command is the test binary as this child.
func (c child) command(t *testing.T) *exec.Cmd {
	t.Helper()
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return devstacktest.Again(t, childEnv+"="+string(text))
}

// say tells the test that something has come to pass.
func say(what string) { _, _ = fmt.Fprintln(os.Stdout, what) }

// quick makes sarama notice things sooner than a service wants to.
func quick(s *sarama.Config) {
	s.Consumer.Group.Session.Timeout = 6 * time.Second // the least that a broker takes
	s.Consumer.Group.Heartbeat.Interval = 100 * time.Millisecond
	s.Consumer.Group.Rebalance.Retry.Backoff = 50 * time.Millisecond
	s.Consumer.Offsets.AutoCommit.Interval = 50 * time.Millisecond
	s.Consumer.MaxWaitTime = 50 * time.Millisecond
	s.Consumer.Retry.Backoff = 50 * time.Millisecond
}
