package eventstore_test

import (
	"database/sql"
	"flag"
	"fmt"
	"os"
	"testing"
)

// db is the pool that the examples use. It is opened by the file that takes this one's place
// where the examples are run: see dev/libraries/examples.
var db *sql.DB

// TestMain leaves out the examples, which need servers.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.skip", "^Example"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}
