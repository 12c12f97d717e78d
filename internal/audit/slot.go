package audit

import (
	"bytes"
	"context"
	"encoding/binary"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/internal/outboxtable"
	"github.com/walpost/walpost/internal/pgname"
	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/wiring"
)

// settleEvery is how often the slot is looked at while a relay is at work.
const settleEvery = 200 * time.Millisecond

// settle sees to it that no row that is merely on its way is called missing: it
// waits for a relay that is at work, and looks into the slot of one that is not.
func (a *audit) settle(ctx context.Context) error {
	want, err := pgoutput.ParseLSN(a.report.LSN)
	if err != nil {
		return err
	}
	limit := time.Now().Add(a.Wait)
	tick := time.NewTicker(settleEvery)
	defer tick.Stop()
	for {
		s, err := catalog.ReadSlot(ctx, a.conn, a.Config.Postgres.Slot)
		if err != nil {
			return err
		}
		if s == nil || s.Lost() {
			a.report.note("slot %s does not exist or is lost: nothing that is missing is on its way", a.Config.Postgres.Slot)
			return nil
		}
		switch {
		case s.ConfirmedFlushLSN >= want:
			return nil
		case !s.Active:
			return a.peek(ctx)
		case time.Now().After(limit):
			a.report.Settled = false
			a.report.note("the slot is confirmed up to %s only, the table was read as of %s: what is missing may be on its way",
				s.ConfirmedFlushLSN, a.report.LSN)
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// peekQuery decodes without consuming: proto_version 1, as the relay reads. Of a
// change that is too long for a record its type and its table come.
const peekQuery = `SELECT CASE WHEN octet_length(data) <= $4::bigint THEN data ELSE substr(data, 1, 5) END, octet_length(data) > $4::bigint
	FROM pg_logical_slot_peek_binary_changes($1, $2::text::pg_lsn, NULL,
	'proto_version', '1', 'publication_names', $3)`

// peek takes the ids of the rows that wait in a slot nobody reads.
func (a *audit) peek(ctx context.Context) error {
	p := a.Config.Postgres
	found, err := a.conn.Query(ctx, peekQuery, p.Slot, a.report.LSN, pgname.Quote(p.Publication), outboxtable.MaxColumnBytes(a.Config))
	if err != nil {
		return a.unpeeked(ctx, err)
	}
	decoder := pgoutput.NewDecoder()
	table := wiring.Table(a.Config)
	var data []byte
	var long bool
	var outbox []byte // its OID as a row's message has it
	tooLong := 0
	_, err = pgx.ForEachRow(found, []any{&data, &long}, func() error {
		if long {
			if outbox != nil && data[0] == 'I' && bytes.Equal(data[1:], outbox) {
				tooLong++
			}
			return nil
		}
		m, err := decoder.Decode(data)
		if rel, ok := m.(*pgoutput.Relation); ok && rel.Namespace == table.Schema && rel.Name == table.Name {
			outbox = binary.BigEndian.AppendUint32(nil, rel.ID)
		}
		insert, ok := m.(*pgoutput.Insert)
		if err != nil || !ok || insert.Relation.Namespace != table.Schema || insert.Relation.Name != table.Name {
			return err
		}
		id, err := a.id.text(insert.Relation, insert.Row...)
		if err == nil && id != nil {
			a.waiting[hashID(id)] = true
		}
		return err
	})
	if err != nil {
		return a.unpeeked(ctx, err)
	}
	if tooLong > 0 {
		a.report.Settled = false
		a.report.note("%d rows that wait in the slot are too large to be looked at: what is missing may be among them", tooLong)
	}
	return nil
}

// unpeeked notes that the slot could not be looked into.
func (a *audit) unpeeked(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if postgres.KindOf(postgres.Classify("", err)) == postgres.Lost {
		return postgres.Classify("look into slot "+a.Config.Postgres.Slot, err)
	}
	a.report.Settled = false
	a.report.note("%v: what is missing may be on its way", postgres.Classify("look into slot "+a.Config.Postgres.Slot, err))
	return nil
}
