package faults_test

import (
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/relay/relaytest"
	"github.com/walpost/walpost/internal/status"
)

// pooler refuses replication connections in the words of pgbouncer before 1.23, and
// passes all others to the server.
func pooler(t *testing.T, server string) string {
	t.Helper()
	return poolerOf(t, func(client net.Conn) { pool(client, server) })
}

// poolerOf serves each connection as it is told.
func poolerOf(t *testing.T, serve func(client net.Conn)) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go serve(conn)
		}
	}()
	return listener.Addr().String()
}

func pool(client net.Conn, server string) {
	defer client.Close()
	be := pgproto3.NewBackend(client, client)
	m, err := be.ReceiveStartupMessage()
	if err != nil {
		return
	}
	startup, ok := m.(*pgproto3.StartupMessage)
	if !ok {
		return
	}
	if _, replication := startup.Parameters["replication"]; replication {
		be.Send(&pgproto3.ErrorResponse{Severity: "FATAL", Code: "08P01", Message: "unsupported startup parameter: replication"})
		_ = be.Flush() // the client shows whether it came
		return
	}
	upstream, err := net.Dial("tcp", server)
	if err != nil {
		return
	}
	defer upstream.Close()
	raw, err := startup.Encode(nil)
	if err != nil {
		return
	}
	if _, err := upstream.Write(raw); err != nil {
		return
	}
	join(client, upstream)
}

// A pooler instead of the server: the start refuses and says to connect directly,
// at the first start and with a slot that is there.
func TestRow62_Pooler(t *testing.T) {
	t.Parallel()
	for _, first := range []bool{true, false} {
		h := newHarness(t, nil)
		if !first {
			h.Start(t)
			h.Stop(t)
			h.Released(t)
		}
		h.Configure(t, keys{"postgres.url": h.DB.Server.URLVia(pooler(t, h.DB.Server.Addr()), "postgres", "", h.DB.Name)})
		h.Launch(t)
		h.Halts(t, status.ExitRequirement, "pooler", "directly")
	}
}

// dropping is a pooler as pgbouncer from 1.23 on with ignore_startup_parameters: it
// passes replication connections, and no setting. It names a process of its own.
func dropping(client net.Conn, server string, drop func(startup map[string]string) bool) {
	defer client.Close()
	be := pgproto3.NewBackend(client, client)
	m, err := be.ReceiveStartupMessage()
	if err != nil {
		return
	}
	startup, ok := m.(*pgproto3.StartupMessage)
	if !ok {
		return
	}
	if drop(startup.Parameters) {
		for name := range startup.Parameters {
			if !slices.Contains([]string{"user", "database", "replication", "application_name"}, name) {
				delete(startup.Parameters, name)
			}
		}
	}
	upstream, err := net.Dial("tcp", server)
	if err != nil {
		return
	}
	defer upstream.Close()
	fe := pgproto3.NewFrontend(upstream, upstream)
	fe.Send(startup)
	if fe.Flush() != nil {
		return
	}
	for {
		m, err := fe.Receive()
		if err != nil {
			return
		}
		if key, ok := m.(*pgproto3.BackendKeyData); ok {
			key.ProcessID = 1 // of nobody
		}
		be.Send(m)
		if be.Flush() != nil {
			return
		}
		if _, ready := m.(*pgproto3.ReadyForQuery); ready {
			break
		}
	}
	join(client, upstream)
}

// A pooler that drops the settings of a session: the texts of records never depend on
// one that does not hold. Plain sessions, which it shares, are refused in words; a
// stream sets them itself; and a role that has them is served.
func TestRow104_PoolerDropsSettings(t *testing.T) {
	t.Parallel()
	h := newHarness(t, keys{"outbox.headers": map[string]string{"at": "at", "bytes": "bytes", "span": "span", "float": "float"}})
	role := stack.Name(t)
	h.Exec(t, "CREATE ROLE "+role+" LOGIN SUPERUSER REPLICATION")
	for _, s := range []string{
		"DateStyle = German", "bytea_output = escape", "IntervalStyle = sql_standard", "TimeZone = 'Asia/Tokyo'", "extra_float_digits = 0",
	} {
		h.Exec(t, "ALTER ROLE "+role+" SET "+s)
	}
	all := func(map[string]string) bool { return true }
	streams := func(startup map[string]string) bool { return startup["replication"] != "" }
	var drop atomic.Pointer[func(map[string]string) bool]
	drop.Store(&all)
	addr := poolerOf(t, func(client net.Conn) { dropping(client, h.DB.Server.Addr(), *drop.Load()) })
	h.Configure(t, keys{"postgres.url": h.DB.Server.URLVia(addr, role, "", h.DB.Name)})
	h.Exec(t, "ALTER TABLE outbox ADD at timestamptz DEFAULT now(), ADD bytes bytea DEFAULT '\\x00ff', ADD span interval DEFAULT '1 "+
		"day 2 hours', ADD float float8 DEFAULT 0.1::float8 + 0.2::float8")
	h.Launch(t)
	h.Halts(t, status.ExitRequirement, "pooler", "DateStyle", "bytea_output", "directly", "ALTER ROLE")

	drop.Store(&streams)
	h.Start(t)
	h.Exec(t, relaytest.Insert("k", 1))
	h.Confirmed(t)
	texts := func() string {
		var list []string
		for _, name := range []string{"bytes", "span", "float"} {
			list = append(list, h.headers(t, name)...)
		}
		return strings.Join(list, " ")
	}
	right := texts()
	if !strings.Contains(right, "0.30000000000000004") {
		t.Errorf("the texts are %s", right)
	}
	h.Stop(t)
	h.Released(t)

	drop.Store(&all)
	for _, s := range postgres.SessionSettings() {
		if s.Since <= h.DB.Server.Major() {
			h.Exec(t, "ALTER ROLE "+role+" SET "+s.Name+" TO '"+s.Value+"'")
		}
	}
	h.Start(t)
	h.Exec(t, relaytest.Insert("k", 2))
	h.Confirmed(t)
	h.exactlyOnce(t)
	h.Stop(t)
}

// A pooler that refuses a setting is named, with the setting.
func TestRow104_PoolerRefusesSetting(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	addr := poolerOf(t, func(client net.Conn) {
		defer client.Close()
		be := pgproto3.NewBackend(client, client)
		if _, err := be.ReceiveStartupMessage(); err != nil {
			return
		}
		be.Send(&pgproto3.ErrorResponse{Severity: "FATAL", Code: "08P01", Message: "unsupported startup parameter: bytea_output"})
		_ = be.Flush() // the client shows whether it came
	})
	h.Configure(t, keys{"postgres.url": h.DB.Server.URLVia(addr, "postgres", "", h.DB.Name)})
	h.Launch(t)
	h.Halts(t, status.ExitRequirement, "bytea_output", "pooler", "directly", "managed-services.md")
}
