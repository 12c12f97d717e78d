package outboxtable

import (
	"context"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/internal/pgname"
	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/wiring"
)

// ChunkSize is how many rows a Cursor asks for at a time.
const ChunkSize = 1000

// Cursor reads a query in chunks, in the transaction that is open on its connection. The
// texts of values are those of the stream: the output functions', under the same session
// settings.
type Cursor struct {
	conn *pgx.Conn
	name string
	op   string // what is read, for errors
	row  pgoutput.Tuple
}

// Open declares a cursor over columns of the rows, in their order. From here on the table
// cannot change its columns until the transaction ends.
func (q *Query) Open(ctx context.Context, conn *pgx.Conn, name string, columns ...string) (*Cursor, error) {
	c := &Cursor{conn: conn, name: pgname.Quote(name), op: "read " + wiring.Table(q.cfg).String()}
	sql := "SELECT " + selectList(columns, MaxColumnBytes(q.cfg)) + q.from() + q.sorted()
	if _, err := conn.Exec(ctx, "DECLARE "+c.name+" NO SCROLL CURSOR FOR "+sql, q.simple()...); err != nil {
		return nil, postgres.Classify(c.op, err)
	}
	return c, nil
}

// Next calls do for the rows of the next chunk and returns how many there were; 0 at the
// end. The row is valid during the call only. After an error of do the connection is of
// no more use.
func (c *Cursor) Next(ctx context.Context, do func(pgoutput.Tuple) error) (int, error) {
	results := c.conn.PgConn().Exec(ctx, "FETCH FORWARD "+strconv.Itoa(ChunkSize)+" FROM "+c.name)
	n := 0
	for results.NextResult() {
		for reader := results.ResultReader(); reader.NextRow(); n++ {
			var err error
			if c.row, err = appendValues(c.row[:0], reader.Values()); err != nil {
				return n, err
			}
			if err := do(c.row); err != nil {
				return n, err
			}
		}
	}
	return n, postgres.Classify(c.op, results.Close())
}

// All calls do for every row.
func (c *Cursor) All(ctx context.Context, do func(pgoutput.Tuple) error) error {
	for {
		n, err := c.Next(ctx, do)
		if err != nil || n == 0 {
			return err
		}
	}
}
