package outboxtable

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/pgname"
	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/router"
)

// MaxColumnBytes is how long a column may be that is read as a whole: as in the stream.
func MaxColumnBytes(cfg *config.Config) int64 {
	return router.MaxColumn(int64(cfg.Kafka.MaxMessageBytes))
}

// selectList selects columns, each with a second one: of a text of more than limit
// bytes, which is not sent, the second is its length, a blank and its beginning: more than
// a topic is made from, as in the stream.
// For all others it is NULL.
func selectList(columns []string, limit int64) string {
	list := make([]string, 0, 2*len(columns))
	for _, c := range columns {
		c = pgname.Quote(c)
		length := "pg_catalog.octet_length(" + c + "::text)"
		list = append(list,
			fmt.Sprintf("CASE WHEN %s <= %d THEN %s END", length, limit, c),
			fmt.Sprintf("CASE WHEN %s > %d THEN %[1]s::text || ' ' || pg_catalog.left(%[3]s::text, 1001) END", length, limit, c))
	}
	return strings.Join(list, ", ")
}

// appendValues appends the columns of a row, as selectList selects them.
func appendValues(row pgoutput.Tuple, texts [][]byte) (pgoutput.Tuple, error) {
	for i := 0; i+1 < len(texts); i += 2 {
		value, long := texts[i], texts[i+1]
		switch {
		case value != nil:
			row = append(row, pgoutput.Value{Kind: pgoutput.Text, Data: value})
		case long == nil:
			row = append(row, pgoutput.Value{Kind: pgoutput.Null})
		default:
			length, head, _ := bytes.Cut(long, []byte(" "))
			n, err := strconv.ParseUint(string(length), 10, 32)
			if err != nil {
				return nil, fmt.Errorf("the length of a column: %w", err)
			}
			row = append(row, pgoutput.Value{Kind: pgoutput.Discarded, Size: uint32(n), Data: head})
		}
	}
	return row, nil
}
