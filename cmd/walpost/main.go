// Command walpost relays a Postgres outbox table to Kafka.
package main

import (
	"os"

	"github.com/walpost/walpost/internal/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
