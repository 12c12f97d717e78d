package postgres_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/postgres/postgrestest"
)

// asDocumented are the parameters of postgres.url for production: the pages have them.
const asDocumented = "&channel_binding=require&require_auth=scram-sha-256"

// The documented URL and lines of pg_hba.conf work for both kinds of connection, and for no
// other database. A server that wants the password as it is, or none, is not logged on to.
func TestRow135_ProductionURL(t *testing.T) {
	t.Parallel()
	for _, page := range []string{"README.md", "docs/getting-started.md", "deploy/kubernetes/orders.yaml"} {
		text, err := os.ReadFile("../../" + page)
		if err != nil || !strings.Contains(string(text), asDocumented) {
			t.Errorf("%s: no %s, %v", page, asDocumented, err)
		}
	}
	ca, err := devstack.NewCA("walpost test CA")
	if err != nil {
		t.Fatal(err)
	}
	server := devstacktest.StartPostgres(t, devstack.PostgresOptions{
		Password: "superuser", TLS: &devstack.ServerTLS{CA: ca},
		HBA: []string{
			"hostssl shop walpost 127.0.0.1/32 scram-sha-256", "host all walpost all reject",
			"hostssl shop clear 127.0.0.1/32 password", "hostssl shop trusted 127.0.0.1/32 trust",
		},
	})
	for _, role := range []string{"walpost", "clear", "trusted"} {
		if err := server.Exec(t.Context(), "postgres", "CREATE ROLE "+role+" LOGIN REPLICATION PASSWORD '"+canary+"'"); err != nil {
			t.Fatal(err)
		}
	}
	if err := server.Exec(t.Context(), "postgres", "CREATE DATABASE shop"); err != nil {
		t.Fatal(err)
	}
	at := func(role, database string) postgres.Target {
		return postgrestest.Target(server.URLFor(role, canary, database) + asDocumented)
	}
	postgrestest.OpenSQL(t, at("walpost", "shop"))
	conn, err := at("walpost", "shop").Replication(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(t.Context()); err != nil {
		t.Error(err)
	}
	for role, target := range map[string]postgres.Target{
		"clear": at("clear", "shop"), "trusted": at("trusted", "shop"), "another database": at("walpost", "postgres"),
	} {
		_, err := target.Replication(t.Context())
		e, ok := errors.AsType[*postgres.Error](err)
		if !ok || e.Kind != postgres.Refused || strings.Contains(err.Error(), canary) {
			t.Errorf("%s: %v", role, err)
		}
	}
	_, err = postgrestest.Target(server.URLFor("clear", canary, "shop")).Replication(t.Context())
	if err != nil {
		t.Errorf("without require_auth such a server has the password: %v", err)
	}
}
