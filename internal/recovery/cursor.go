package recovery

import (
	"context"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/walpost/walpost/internal/postgres"
)

// chunk is how many rows are asked for at a time.
const chunk = 1000

// cursor reads a query in chunks, in the transaction that is open on its
// connection. The texts are those of the stream: the output functions', under the
// same session settings.
type cursor struct {
	conn *pgx.Conn
	name string
	op   string // what is read, for errors
}

// openCursor declares it. From here on the table cannot change its columns until
// the transaction ends.
func openCursor(ctx context.Context, conn *pgx.Conn, name, op, sql string, args []any) (*cursor, error) {
	c := &cursor{conn: conn, name: postgres.Quote(name), op: op}
	all := append([]any{pgx.QueryExecModeSimpleProtocol}, args...)
	if _, err := conn.Exec(ctx, "DECLARE "+c.name+" NO SCROLL CURSOR FOR "+sql, all...); err != nil {
		return nil, postgres.Classify(op, err)
	}
	return c, nil
}

// next hands on the next chunk and says how many rows there were; 0 at the end.
// The values are valid during the call only; nil is NULL. After an error of row
// the connection is of no more use.
func (c *cursor) next(ctx context.Context, row func([][]byte) error) (int, error) {
	results := c.conn.PgConn().Exec(ctx, "FETCH FORWARD "+strconv.Itoa(chunk)+" FROM "+c.name)
	n := 0
	for results.NextResult() {
		for reader := results.ResultReader(); reader.NextRow(); n++ {
			if err := row(reader.Values()); err != nil {
				return n, err
			}
		}
	}
	return n, postgres.Classify(c.op, results.Close())
}

// all hands on every row.
func (c *cursor) all(ctx context.Context, row func([][]byte) error) error {
	for {
		n, err := c.next(ctx, row)
		if err != nil || n == 0 {
			return err
		}
	}
}
