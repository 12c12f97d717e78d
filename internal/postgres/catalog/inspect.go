package catalog

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/internal/pgname"
	"github.com/walpost/walpost/internal/postgres"
)

// ObjectNames are the objects to inspect.
type ObjectNames struct {
	Table       pgname.Table // zero: events are messages, and there is no table
	Publication string
	Slot        string
}

// Inspection is one snapshot of everything that `check`, `init` and the start of
// `run` judge. nil means: not there.
type Inspection struct {
	Names       ObjectNames
	Server      Server
	Role        Role
	Prepared    *Prepared // the oldest one in the cluster
	Table       *Table
	Writers     *MessageWriters // with a table: nil
	Publication *Publication
	Slot        *Slot
	Refused     []Refusal // what the server did not answer, or does not let the role ask
}

// Server is the Postgres at the other end.
type Server struct {
	Version         string // as the server prints it
	Major           int
	InRecovery      bool
	Database        string
	Encoding        string // server_encoding
	WALLevel        string
	MaxWALSenders   int
	UsedWALSenders  int
	MaxSlots        int
	UsedSlots       int
	IdleSlotTimeout time.Duration // 0: off, or before Postgres 18
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
// no right beyond LOGIN: the relay's role may not read the table. Each question is
// asked by itself, so that one that the server refuses leaves the others.
func Inspect(ctx context.Context, conn *pgx.Conn, names ObjectNames) (*Inspection, error) {
	i := &Inspection{Names: names}
	i.Server.InRecovery = postgres.OnStandby(conn.PgConn())
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err := pgx.BeginTxFunc(ctx, conn, options, func(tx pgx.Tx) error {
		if err := i.readServer(ctx, tx); err != nil {
			return postgres.Classify("read settings", err)
		}
		for _, q := range i.Questions() {
			if i.Server.InRecovery && q.name != QuestionTable { // slot and publication are the primary's; a table may be read here too
				continue
			}
			if err := i.ask(ctx, tx, q); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, postgres.Classify("inspect the database", err)
	}
	return i, nil
}

// OnPrimary is an error on a standby, whose slots and publications nobody should
// judge or change.
func (i *Inspection) OnPrimary() error {
	if i.Server.InRecovery {
		return postgres.StandbyError("read slot and publication")
	}
	return nil
}

// TableKnown is an error where the server did not say whether there is the table.
func (i *Inspection) TableKnown() error {
	for _, r := range i.Refused {
		if r.Question == QuestionTable {
			e := &postgres.Error{Kind: postgres.InsufficientPrivilege, Op: "read table " + i.Names.Table.String(), Text: r.Reason}
			if len(r.Objects) > 0 {
				e.Hint = i.GrantSQL(r.Objects...)
			}
			return e
		}
	}
	return nil
}

const serverQuery = `
SELECT current_setting('server_version'), current_setting('server_version_num')::int / 10000,
       current_database(), current_setting('server_encoding'), current_setting('wal_level'),
       current_setting('max_wal_senders')::int, current_setting('max_replication_slots')::int,
       extract(epoch FROM coalesce(current_setting('idle_replication_slot_timeout', true), '0')::interval)::float8,
       current_user`

func (i *Inspection) readServer(ctx context.Context, tx pgx.Tx) error {
	s := &i.Server
	var idle float64
	err := tx.QueryRow(ctx, serverQuery, postgres.Once).Scan(
		&s.Version, &s.Major, &s.Database, &s.Encoding, &s.WALLevel, &s.MaxWALSenders, &s.MaxSlots, &idle, &i.Role.Name,
	)
	s.IdleSlotTimeout = time.Duration(idle * float64(time.Second))
	return err
}

const roleQuery = `
SELECT r.rolsuper, r.rolreplication OR EXISTS (SELECT FROM pg_roles rds
           WHERE rds.rolname = 'rds_replication' AND pg_has_role(r.oid, rds.oid, 'MEMBER')),
       has_database_privilege(current_database(), 'CREATE')
FROM pg_roles r WHERE r.rolname = current_user`

func (i *Inspection) readRole(ctx context.Context, tx pgx.Tx) error {
	r := &i.Role
	return tx.QueryRow(ctx, roleQuery, postgres.Once).Scan(&r.Superuser, &r.Replication, &r.CreateInDatabase)
}

const preparedQuery = `
SELECT gid, database, extract(epoch FROM now() - prepared)::float8
FROM pg_prepared_xacts ORDER BY prepared LIMIT 1`

func (i *Inspection) readPrepared(ctx context.Context, tx pgx.Tx) error {
	var p Prepared
	var seconds float64
	err := tx.QueryRow(ctx, preparedQuery, postgres.Once).Scan(&p.GID, &p.Database, &seconds)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	p.Age = time.Duration(seconds * float64(time.Second))
	i.Prepared = &p
	return err
}
