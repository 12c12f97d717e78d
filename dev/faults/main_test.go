package faults_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"go.uber.org/zap"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/assemble"
	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/status"
)

var stack devstacktest.Stack

// asRelay makes the test binary a process that runs the relay of this file, for
// rows that freeze a process.
const asRelay = "WALPOST_TEST_AS_RELAY"

func TestMain(m *testing.M) {
	if file := os.Getenv(asRelay); file != "" {
		os.Exit(runRelay(file))
	}
	os.Exit(stack.Main(m))
}

// runRelay relays until it is killed, and logs to stderr.
func runRelay(file string) int {
	cfg, err := config.Load(file)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return status.ExitUsage
	}
	log, err := zap.NewProduction()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return status.ExitUnexpected
	}
	r, err := assemble.Relay(cfg, &relaytest.Counts{}, log)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return status.ExitUsage
	}
	return status.ExitCode(r.Run(context.Background(), nil))
}
