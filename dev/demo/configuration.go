package main

import (
	"context"
	"fmt"
	"net"
	"os"
)

// defaultAdmin is where walpost's admin server listens when the file does not say.
const defaultAdmin = "127.0.0.1:9464"

// configuration is walpost's file.
type configuration struct {
	path, text string
	admin      string // host:port
}

// writeConfiguration writes the smallest useful file: three lines. A fourth one is needed only where somebody else has
// the port of the admin server.
func writeConfiguration(ctx context.Context, path, url, broker string) (configuration, error) {
	c := configuration{path: path, admin: defaultAdmin}
	c.text = fmt.Sprintf("name: demo\npostgres: {url: %q}\nkafka: {brokers: [%q]}\n", url, broker)
	free, err := freeAddress(ctx)
	if err != nil {
		return c, err
	}
	if free != defaultAdmin {
		c.admin = free
		c.text += fmt.Sprintf("admin: {listen: %q} # only because port 9464 is taken on this machine\n", free)
	}
	return c, os.WriteFile(path, []byte(c.text), 0o600)
}

// freeAddress is the default address of the admin server, or another one that is free now.
func freeAddress(ctx context.Context) (string, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", defaultAdmin)
	if err != nil {
		l, err = lc.Listen(ctx, "tcp", "127.0.0.1:0")
	}
	if err != nil {
		return "", fmt.Errorf("no free port for the admin server: %w", err)
	}
	return l.Addr().String(), l.Close()
}
