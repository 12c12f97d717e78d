package recover_test

import (
	"context"
	"os"
	"strconv"
	"syscall"
	"testing"

	"go.uber.org/zap"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/recover"
)

var stack devstacktest.Stack

// These make the test binary a recovery of all rows that kills itself at a stage.
const (
	killFile  = "WALPOST_TEST_RECOVER_FILE"
	killStage = "WALPOST_TEST_RECOVER_STAGE"
	killFirst = "WALPOST_TEST_RECOVER_FIRST" // it is a first start
)

func TestMain(m *testing.M) {
	if os.Getenv(killFile) != "" {
		os.Exit(die())
	}
	os.Exit(stack.Main(m))
}

// die recovers until it is killed, and gives an exit code when it was not.
func die() int {
	stage, err := strconv.Atoi(os.Getenv(killStage))
	if err != nil {
		return 2
	}
	cfg, err := config.Load(os.Getenv(killFile))
	if err != nil {
		return 2
	}
	ctx := context.Background()
	r, err := recover.Open(ctx, recover.Options{
		Config: cfg, Rows: recover.Selection{All: true}, First: os.Getenv(killFirst) == "true", Log: zap.NewNop(),
	})
	if err != nil {
		return 3
	}
	plan, err := r.Examine(ctx)
	if err != nil {
		return 4
	}
	_, err = r.Run(ctx, plan, func(s recover.Stage, _ recover.Result) {
		if s == recover.Stage(stage) {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // until the signal is delivered
		}
	})
	if err != nil {
		return 5
	}
	return 0
}
