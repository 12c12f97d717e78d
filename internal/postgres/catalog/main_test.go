package catalog_test

import (
	"os"
	"testing"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
)

var stack devstacktest.Stack

func TestMain(m *testing.M) { os.Exit(stack.Main(m)) }
