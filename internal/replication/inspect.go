package replication

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/internal/pgoutput"
)

// Names are the objects to look at.
type Names struct {
	Table       TableName // zero: events are messages, and there is no table
	Publication string
	Slot        string
}

// Inspection is one snapshot of everything that `check`, `init` and the start of
// `run` judge. nil means: not there.
type Inspection struct {
	Names       Names
	Server      Server
	Role        Role
	Prepared    *Prepared // the oldest one in the cluster
	Table       *Table
	Writers     *MessageWriters // with a table: nil
	Publication *Publication
	Slot        *SlotInfo
}

// Server is the Postgres at the other end.
type Server struct {
	Version           string // as the server prints it
	Major             int
	SystemID          string // as IDENTIFY_SYSTEM gives it
	Timeline          int32  // of the WAL now; in recovery that of the last checkpoint
	InRecovery        bool
	Database          string
	Encoding          string // server_encoding
	LSN               pgoutput.LSN
	WALLevel          string
	MaxWALSenders     int
	UsedWALSenders    int
	MaxSlots          int
	UsedSlots         int
	WALSenderTimeout  time.Duration // 0: off
	IdleSlotTimeout   time.Duration // 0: off, or before Postgres 18
	MaxSlotWALKeepMiB int64         // -1: no limit
}

// Role is the role that is connected.
type Role struct {
	Name             string
	Superuser        bool
	Replication      bool // the attribute, or rds_replication on Amazon RDS
	CreateInDatabase bool
}

// Prepared is a transaction that was prepared and not ended: it holds back WAL,
// and a slot cannot be created while it is open.
type Prepared struct {
	GID      string
	Database string
	Age      time.Duration
}

// Inspect reads the catalogues over a plain connection, in one snapshot. It needs
// no right beyond LOGIN: the relay's role may not read the table.
func Inspect(ctx context.Context, conn *pgx.Conn, names Names) (*Inspection, error) {
	result := &Inspection{Names: names}
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err := pgx.BeginTxFunc(ctx, conn, options, func(tx pgx.Tx) error {
		if err := result.readServer(ctx, tx); err != nil {
			return Classify("read settings and role", err)
		}
		var err error
		if !names.Table.IsZero() {
			if result.Table, err = readTable(ctx, tx, names.Table); err != nil {
				return Classify("read table "+names.Table.String(), err)
			}
		} else if result.Writers, err = readMessageWriters(ctx, tx); err != nil {
			return Classify("read who may write messages", err)
		}
		if result.Publication, err = readPublication(ctx, tx, names, result.Table); err != nil {
			return Classify("read publication "+displayName(names.Publication), err)
		}
		if result.Slot, err = readSlot(ctx, tx, names.Slot); err != nil {
			return Classify("read slot "+names.Slot, err)
		}
		return nil
	})
	if err != nil {
		return nil, Classify("inspect the database", err)
	}
	return result, nil
}

// once is how every query here runs: in one round trip, not kept as a prepared
// statement, because it is not asked again.
const once = pgx.QueryExecModeExec

const serverQuery = `
SELECT current_setting('server_version'), current_setting('server_version_num')::int / 10000,
       (SELECT system_identifier::text FROM pg_control_system()),
       (SELECT timeline_id FROM pg_control_checkpoint()),
       pg_is_in_recovery(), current_database(), current_setting('server_encoding'),
       CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END::text,
       CASE WHEN NOT pg_is_in_recovery() THEN pg_walfile_name(pg_current_wal_lsn()) END,
       (SELECT count(*) FROM pg_stat_replication), (SELECT count(*) FROM pg_replication_slots),
       (SELECT jsonb_object_agg(name, setting) FROM pg_settings WHERE name IN ('wal_level', 'max_wal_senders',
           'max_replication_slots', 'wal_sender_timeout', 'idle_replication_slot_timeout', 'max_slot_wal_keep_size')),
       r.rolname, r.rolsuper,
       r.rolreplication OR EXISTS (SELECT FROM pg_roles rds
           WHERE rds.rolname = 'rds_replication' AND pg_has_role(r.oid, rds.oid, 'MEMBER')),
       has_database_privilege(current_database(), 'CREATE')
FROM pg_roles r WHERE r.rolname = current_user`

const preparedQuery = `
SELECT gid, database, extract(epoch FROM now() - prepared)::float8
FROM pg_prepared_xacts ORDER BY prepared LIMIT 1`

func (i *Inspection) readServer(ctx context.Context, tx pgx.Tx) error {
	s, r := &i.Server, &i.Role
	var lsn string
	var walFile *string
	var settings map[string]string
	err := tx.QueryRow(ctx, serverQuery, once).Scan(
		&s.Version, &s.Major, &s.SystemID, &s.Timeline, &s.InRecovery, &s.Database, &s.Encoding,
		&lsn, &walFile, &s.UsedWALSenders, &s.UsedSlots, &settings,
		&r.Name, &r.Superuser, &r.Replication, &r.CreateInDatabase,
	)
	if err != nil {
		return err
	}
	if s.LSN, err = pgoutput.ParseLSN(lsn); err != nil {
		return err
	}
	if walFile != nil && len(*walFile) >= 8 { // the first 8 hex digits are the timeline, which the last checkpoint may not know yet
		timeline, err := strconv.ParseInt((*walFile)[:8], 16, 32)
		if err != nil {
			return err
		}
		s.Timeline = int32(timeline)
	}
	if err := s.readSettings(settings); err != nil {
		return err
	}
	var p Prepared
	var seconds float64
	err = tx.QueryRow(ctx, preparedQuery, once).Scan(&p.GID, &p.Database, &seconds)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	p.Age = time.Duration(seconds * float64(time.Second))
	i.Prepared = &p
	return err
}

// readSettings reads values in the units of pg_settings; a setting that this
// version does not have counts as 0.
func (s *Server) readSettings(settings map[string]string) error {
	s.WALLevel = settings["wal_level"]
	var timeoutMillis, idleSeconds int64
	for name, into := range map[string]func(int64){
		"max_wal_senders":               func(n int64) { s.MaxWALSenders = int(n) },
		"max_replication_slots":         func(n int64) { s.MaxSlots = int(n) },
		"max_slot_wal_keep_size":        func(n int64) { s.MaxSlotWALKeepMiB = n },
		"wal_sender_timeout":            func(n int64) { timeoutMillis = n },
		"idle_replication_slot_timeout": func(n int64) { idleSeconds = n },
	} {
		if settings[name] == "" {
			continue
		}
		n, err := strconv.ParseInt(settings[name], 10, 64)
		if err != nil {
			return err
		}
		into(n)
	}
	s.WALSenderTimeout = time.Duration(timeoutMillis) * time.Millisecond
	s.IdleSlotTimeout = time.Duration(idleSeconds) * time.Second
	return nil
}
