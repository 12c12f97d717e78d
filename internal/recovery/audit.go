package recovery

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/kafka"
	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/record"
	"github.com/walpost/walpost/internal/router"
	"github.com/walpost/walpost/internal/safetext"
	"github.com/walpost/walpost/internal/status"
	"github.com/walpost/walpost/internal/topicname"
	"github.com/walpost/walpost/internal/wiring"
)

// AuditOptions says what to compare.
type AuditOptions struct {
	Config       *config.Config
	Since, Until time.Time     // zero: open. Since is in the range, Until is not
	TimeColumn   string        // of the rows; "" is outbox.timestamp
	Topics       []string      // beside those that the table's rows lead to
	Examples     int           // how many ids of each kind are reported
	Wait         time.Duration // how long a relay that is at work may take to confirm what the table has
}

// AuditReport is how the ids in the outbox table and in the topics compare.
type AuditReport struct {
	Relay       string   `json:"relay"`
	Rows        int64    `json:"rows"`    // of the range
	Records     int64    `json:"records"` // read, with an id
	Missing     int64    `json:"missing"` // rows in no topic
	MissingIDs  []string `json:"missing_ids"`
	Phantom     int64    `json:"phantom"` // ids of the range in a topic and not in the table
	PhantomIDs  []string `json:"phantom_ids"`
	InFlight    int64    `json:"in_flight"`    // rows that wait in the slot: not missing
	DeadLetters int64    `json:"dead_letters"` // records read from dead-letter topics
	Repeats     int64    `json:"repeats"`      // records beyond the first of a row
	Topics      []string `json:"topics"`
	LSN         string   `json:"lsn"` // the table was read as of here
	// Settled is false when what is missing may be on its way still: the slot was
	// not confirmed up to LSN in time, and could not be looked into.
	Settled bool     `json:"settled"`
	Notes   []string `json:"notes"`
}

// Equal says that nothing is missing and nothing too much.
func (r *AuditReport) Equal() bool { return r.Missing == 0 && r.Phantom == 0 }

// audit is one comparison.
type audit struct {
	AuditOptions
	conn      *pgx.Conn
	table     string // as it stands behind FROM
	id        *idReader
	relation  *pgoutput.Relation // the id column alone
	rows      *idSet
	waiting   map[idHash]bool // ids in the slot
	unknown   map[idHash]string
	report    *AuditReport
	shortened []string // topics whose first records are gone
}

// Audit compares. It reads the table before the topics, so that what is missing
// was committed before they were read, and once more after them, so that what is
// a phantom was not committed until then.
func Audit(ctx context.Context, o AuditOptions) (*AuditReport, error) {
	if err := needsTable(o.Config, "compare with what the services know of their events"); err != nil {
		return nil, err
	}
	a := &audit{
		AuditOptions: o, waiting: map[idHash]bool{}, unknown: map[idHash]string{},
		report: &AuditReport{Relay: o.Config.Name, Settled: true, MissingIDs: []string{}, PhantomIDs: []string{}, Topics: []string{}, Notes: []string{}},
	}
	client, err := kafka.Connect(ctx, wiring.Kafka(o.Config))
	if err != nil {
		return nil, err
	}
	client.Close()
	if a.conn, err = wiring.Target(o.Config).Connect(ctx); err != nil {
		return nil, err
	}
	defer postgres.HangUp(ctx, a.conn)
	if err := a.prepare(ctx); err != nil {
		return nil, err
	}
	for _, step := range []func(context.Context) error{a.readTable, a.settle, a.readTopics, a.readTableAgain} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return a.report, nil
}

// prepare judges the options against the table.
func (a *audit) prepare(ctx context.Context) error {
	cfg := a.Config
	t, err := readableTable(ctx, a.conn, cfg)
	if err != nil {
		return err
	}
	table := wiring.Table(cfg)
	a.table = t.From(table)
	column := t.Column(cfg.Outbox.ID)
	if column == nil {
		return &status.Halt{Code: status.ExitRequirement, Reason: fmt.Sprintf("%s has no column %q", table, cfg.Outbox.ID), Hint: "see outbox.id"}
	}
	if name := a.timeColumn(); name != "" {
		if err := validateTime(name, cfg, t); err != nil {
			return err
		}
	} else if !a.Since.IsZero() || !a.Until.IsZero() {
		return status.Usage("--since and --until need a column with the time of a row: give --time-column, or set outbox.timestamp")
	}
	a.relation = &pgoutput.Relation{ID: t.OID, Namespace: table.Schema, Name: table.Name, Columns: []pgoutput.Column{
		{Name: column.Name, TypeOID: column.TypeOID, TypeMod: column.TypeMod},
	}}
	a.id, err = newIDReader(cfg.Outbox.ID)
	if err != nil {
		return err
	}
	a.report.Topics, err = a.topics(ctx)
	return err
}

func (a *audit) timeColumn() string {
	return Selection{TimeColumn: a.TimeColumn}.timeColumn(a.Config)
}

// readTable takes the ids of the range as of one snapshot.
func (a *audit) readTable(ctx context.Context) error {
	q := rows{table: a.table}
	if column := a.timeColumn(); column != "" {
		if !a.Since.IsZero() {
			q.after(postgres.Quote(column), a.Since)
		}
		if !a.Until.IsZero() {
			q.before(postgres.Quote(column), a.Until)
		}
	}
	var set idSet
	lsn, err := a.scan(ctx, q, func(id []byte) {
		a.report.Rows++
		set.add(hashID(id))
	})
	a.report.LSN = lsn
	a.rows = set.sort()
	return err
}

// scan hands on the ids of the rows, and gives a position of the WAL behind
// every commit that they show.
func (a *audit) scan(ctx context.Context, q rows, row func(id []byte)) (lsn string, err error) {
	table := wiring.Table(a.Config)
	if _, err := a.conn.Exec(ctx, "BEGIN READ ONLY, ISOLATION LEVEL REPEATABLE READ"); err != nil {
		return "", postgres.Classify("begin", err)
	}
	if err := a.conn.QueryRow(ctx, "SELECT pg_current_wal_insert_lsn()::text").Scan(&lsn); err != nil {
		return "", postgres.Classify("read the position of the WAL", err)
	}
	sql := "SELECT " + selectList([]string{a.Config.Outbox.ID}, longest(a.Config)) + q.from()
	c, err := openCursor(ctx, a.conn, "walpost_audit", "read "+table.String(), sql, q.args)
	if err != nil {
		return "", err
	}
	var one pgoutput.Tuple
	err = c.all(ctx, func(values [][]byte) (err error) {
		if one, err = valuesOf(one, values); err != nil {
			return err
		}
		id, err := a.id.text(a.relation, one...)
		if err == nil && id != nil { // NULL has nothing to compare
			row(id)
		}
		return err
	})
	if err != nil {
		return "", err
	}
	_, err = a.conn.Exec(ctx, "COMMIT")
	return lsn, postgres.Classify("end the snapshot", err)
}

// readTableAgain finds the rows of the ids that were in the topics only: they
// were committed since, or lie outside the range. It names what is missing too.
func (a *audit) readTableAgain(ctx context.Context) error {
	r := a.report
	for i, seen := range a.rows.seen {
		switch {
		case seen:
		case a.waiting[a.rows.hashes[i]]:
			r.InFlight++
		default:
			r.Missing++
		}
	}
	if r.Missing == 0 {
		r.Settled = true // there is nothing that could be on its way
	} else if len(a.shortened) > 0 {
		r.note("retention has removed the first records of %v: rows of that time are counted as missing", a.shortened)
	}
	if r.Missing == 0 && len(a.unknown) == 0 {
		return nil
	}
	_, err := a.scan(ctx, rows{table: a.table}, func(id []byte) {
		h := hashID(id)
		delete(a.unknown, h)
		if i, ok := a.rows.find(h); ok && !a.rows.seen[i] && !a.waiting[h] && len(r.MissingIDs) < a.Examples {
			r.MissingIDs = append(r.MissingIDs, safetext.TruncateName(id))
		}
	})
	for _, id := range a.unknown {
		r.Phantom++
		if len(r.PhantomIDs) < a.Examples && id != "" {
			r.PhantomIDs = append(r.PhantomIDs, safetext.TruncateName(id))
		}
	}
	return err
}

func (r *AuditReport) note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

// idReader gives an id's text as the header `id` has it.
type idReader struct{ router *router.Router }

func newIDReader(column string) (*idReader, error) {
	rt, err := router.New(router.Mapping{Topic: topicname.Template{{Literal: "id"}}, ID: column, Value: column})
	return &idReader{router: rt}, err
}

// text is valid until the next call; nil is NULL.
func (r *idReader) text(rel *pgoutput.Relation, row ...pgoutput.Value) ([]byte, error) {
	rec, err := r.router.Route(&pgoutput.Insert{Relation: rel, Row: row}, time.UnixMilli(0), record.Position{})
	if _, long := errors.AsType[*record.Rejection](err); long { // its beginning names it: no record has it
		return rec.Headers[0].Value, nil
	}
	if err != nil {
		return nil, &status.Halt{Code: status.ExitRequirement, Reason: "the id cannot be read", Detail: err.Error()}
	}
	return rec.Headers[0].Value, nil
}
