package projection_test

import (
	"database/sql"
	"flag"
	"fmt"
	"os"
	"testing"
)

// What the examples use: a pool, the addresses of Kafka, and what the relay does. All of it
// is made by the file that takes this one's place where the examples are run: see
// dev/libraries/examples.
var (
	db      *sql.DB
	brokers []string
	publish func(topic, key string, headers map[string]string)
)

// TestMain leaves out the examples, which need servers.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.skip", "^Example"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}
