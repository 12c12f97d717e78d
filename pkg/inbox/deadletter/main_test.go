package deadletter_test

import (
	"flag"
	"fmt"
	"os"
	"testing"
)

// brokers are the addresses of Kafka. The file that takes this one's place where the
// examples are run has them: see dev/libraries/examples.
var brokers []string

// TestMain leaves out the examples, which need servers.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.skip", "^Example"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}
