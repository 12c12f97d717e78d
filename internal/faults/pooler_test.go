package faults_test

import (
	"net"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/walpost/walpost/internal/relay"
	"github.com/walpost/walpost/internal/relay/relaytest"
)

// pooler refuses replication connections in the words of pgbouncer before 1.23, and
// passes all others to the server.
func pooler(t *testing.T, server string) string {
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
			go pool(conn, server)
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
		b := newBench(t, option{})
		if !first {
			b.start(t)
			b.end(t)
			b.released(t)
		}
		straight := b.cfg
		name := b.cfg.Name
		b.cfg = relaytest.Load(t, "name: "+name+"\npostgres: {url: '"+b.server.URLVia(pooler(t, b.server.Addr()), "postgres", "", b.database)+
			"'}\nkafka: {brokers: ['"+strings.Join(straight.Kafka.Brokers, "', '")+"']}\n")
		b.launch(t)
		b.halts(t, relay.ExitRequirement, "pooler", "directly")
	}
}
