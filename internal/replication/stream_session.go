package replication

import (
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/walpost/walpost/internal/notify"
	"github.com/walpost/walpost/internal/pgname"
	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/postgres"
)

// Session is a replication connection before the stream begins: it knows which server this
// is and where the slot stands.
type Session struct {
	conn *pgconn.PgConn
	in   *receiver
	bulk *bulkConn
	near postgres.Target

	Version   string       // of the server
	SystemID  string       // of the cluster; another one means another cluster at the same address
	Timeline  int32        // changes with each failover and point-in-time recovery
	Flushed   pgoutput.LSN // how far its WAL was written when the session began
	Standby   bool         // the server is in recovery: it follows a primary, or has not been promoted yet
	Slot      SlotPosition
	SenderMax time.Duration // wal_sender_timeout as the walsender has it; 0: none
	IdleMax   time.Duration // idle_replication_slot_timeout; 0: none, or before Postgres 18
	Clock     time.Duration // the server's clock less ours: commit times are the server's
}

// SlotPosition is what a stream needs to know of its slot. catalog.Slot has the rest; it
// needs a connection that accepts queries.
type SlotPosition struct {
	Exists    bool
	Active    bool
	Confirmed pgoutput.LSN // confirmed_flush_lsn
}

// Open connects for streaming and reads server and slot. Errors are *Error.
func Open(ctx context.Context, target postgres.Target, slot string) (*Session, error) {
	s := &Session{}
	var err error
	if s.conn, err = target.ReplicationWith(ctx, s.takeOver); err != nil {
		return nil, err
	}
	s.near = target.Near(s.conn)
	s.Version = s.conn.ParameterStatus("server_version")
	if err := s.identify(ctx, slot); err != nil {
		s.Close(ctx)
		return nil, postgres.Classify("read server and slot", err)
	}
	return s, nil
}

// takeOver puts the session's own reader between the network and pgproto3.
func (s *Session) takeOver(cfg *pgconn.Config) {
	dial := cfg.DialFunc
	cfg.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		s.bulk = newBulkConn(conn)
		return s.bulk, nil
	}
	cfg.BuildFrontend = func(r io.Reader, w io.Writer) *pgproto3.Frontend {
		s.in = newReceiver(r)
		return pgproto3.NewFrontend(s.in, w)
	}
}

// identify reads which server this is, its limits and clock, and where the slot stands.
func (s *Session) identify(ctx context.Context, slot string) error {
	id, err := pglogrepl.IdentifySystem(ctx, s.conn)
	if err != nil {
		return err
	}
	s.SystemID, s.Timeline, s.Flushed = id.SystemID, id.Timeline, pgoutput.LSN(id.XLogPos)
	asked := time.Now()
	results, err := s.conn.Exec(ctx, `SELECT (extract(epoch FROM current_setting('wal_sender_timeout')::interval) * 1000)::bigint,
		(extract(epoch FROM clock_timestamp()) * 1000000)::bigint,
		(extract(epoch FROM coalesce(current_setting('idle_replication_slot_timeout', true), '0')::interval) * 1000)::bigint;
		SELECT active, coalesce(confirmed_flush_lsn, '0/0')
		FROM pg_catalog.pg_replication_slots WHERE slot_name = `+pgname.CommandLiteral(slot)).ReadAll()
	if err != nil {
		return err
	}
	if len(results) != 2 || len(results[0].Rows) != 1 {
		return fmt.Errorf("the server answered with %d results instead of two", len(results))
	}
	var numbers [3]int64
	for i := range numbers {
		if numbers[i], err = strconv.ParseInt(string(results[0].Rows[0][i]), 10, 64); err != nil {
			return fmt.Errorf("limits and clock of the server: %w", err)
		}
	}
	s.SenderMax, s.IdleMax = time.Duration(numbers[0])*time.Millisecond, time.Duration(numbers[2])*time.Millisecond
	s.Clock = time.UnixMicro(numbers[1]).Sub(asked.Add(time.Since(asked) / 2))
	s.Standby = postgres.OnStandby(s.conn)
	if len(results[1].Rows) == 0 {
		return nil
	}
	row := results[1].Rows[0]
	s.Slot.Exists, s.Slot.Active = true, string(row[0]) == "t"
	s.Slot.Confirmed, err = pgoutput.ParseLSN(string(row[1]))
	return err
}

// Near returns the target of this session's server, for the connections beside the stream.
func (s *Session) Near() postgres.Target { return s.near }

// Close ends a session that does not become a stream.
func (s *Session) Close(ctx context.Context) {
	_ = s.conn.Close(ctx) // the server notices either way
}

// Start begins the stream, which replaces the session. messages requests logical decoding
// messages too, which a publication does not filter. START_REPLICATION always has 0/0, which
// means the slot's own position: any other LSN may be on another timeline, and Postgres
// would then skip rows silently.
func (s *Session) Start(ctx context.Context, slot, publication string, messages bool) (*Stream, error) {
	args := []string{
		"proto_version '1'",
		"publication_names " + pgname.CommandLiteral(pgname.Quote(publication)), // a list of identifiers inside a string
	}
	if messages {
		args = append(args, "messages 'true'")
	}
	err := pglogrepl.StartReplication(ctx, s.conn, pgname.Quote(slot), 0, pglogrepl.StartReplicationOptions{
		Mode: pglogrepl.LogicalReplication, PluginArgs: args,
	})
	if err != nil {
		s.Close(ctx)
		return nil, postgres.Classify("start replication from slot "+slot, err)
	}
	raw, err := s.conn.Hijack()
	if err != nil {
		s.Close(ctx)
		return nil, postgres.Classify("start replication from slot "+slot, err)
	}
	s.in.large()
	now := time.Now()
	interval := maxStatusPause
	if s.SenderMax > 0 {
		interval = min(interval, s.SenderMax/3)
	}
	return &Stream{
		conn: raw.Conn, in: s.in, bulk: s.bulk, decoder: pgoutput.NewDecoder(), interval: interval,
		patience: patience(interval, s.SenderMax),
		wake:     notify.NewSignal(),
		received: s.Slot.Confirmed, reported: s.Slot.Confirmed, heard: now, status: now,
	}, nil
}

// patience returns how long the server may be silent. While it decodes changes that are not
// published, it sends a keepalive at half of its wal_sender_timeout; without that limit it
// may send none. TCP notices much earlier that a peer is gone.
func patience(interval, limit time.Duration) time.Duration {
	if limit == 0 {
		return silentUnlimited
	}
	return max(silentRounds*interval, limit)
}

// Visit opens the slot and leaves it unchanged. It then counts as used: a server invalidates
// a slot that nobody has used for idle_replication_slot_timeout.
func Visit(ctx context.Context, target postgres.Target, slot, publication string) error {
	session, err := Open(ctx, target, slot)
	if err != nil {
		return err
	}
	if session.Standby {
		session.Close(ctx)
		return postgres.StandbyError("visit slot " + slot)
	}
	stream, err := session.Start(ctx, slot, publication, false)
	if err != nil {
		return err
	}
	stream.longest = receiveBuffer
	_, err = stream.leave(ctx)
	return postgres.Classify("visit slot "+slot, err)
}
