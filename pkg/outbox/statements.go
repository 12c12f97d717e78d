package outbox

import (
	"strconv"
	"strings"

	"github.com/walpost/walpost/pkg/outbox/internal/pgname"
)

// statements are what Write runs. Each text is the same for any number of events,
// so that a driver prepares it once: with VALUES for many, every new number would
// be another statement, and its first use a round trip more. Arrays also take any
// number of rows, where single parameters end at 65,535. All types are written
// out, since in some of pgx's modes a parameter comes as text.
type statements struct {
	insertOne  string
	insertMany string
	deleteIDs  string
}

func statementsOf(table pgname.Table, columns []column) statements {
	var names, scalars, arrays strings.Builder
	for i := range columns {
		if i > 0 {
			for _, b := range []*strings.Builder{&names, &scalars, &arrays} {
				b.WriteString(", ")
			}
		}
		parameter := "$" + strconv.Itoa(i+1) + "::" + columns[i].cast
		names.WriteString(pgname.Quote(columns[i].name))
		scalars.WriteString(parameter)
		arrays.WriteString(parameter + "[]")
	}
	insert := "INSERT INTO " + table.Quoted() + " (" + names.String() + ")"
	id := columns[indexID]
	return statements{
		insertOne:  insert + " VALUES (" + scalars.String() + ")",
		insertMany: insert + " SELECT * FROM unnest(" + arrays.String() + ")",
		deleteIDs:  "DELETE FROM " + table.Quoted() + " WHERE " + pgname.Quote(id.name) + " = ANY($1::" + id.cast + "[])",
	}
}

// maxStatementBytes keeps a statement well below the largest message that Postgres
// takes, 1 GiB, when every byte is escaped.
const maxStatementBytes = 64 << 20

// chunk says how many of the rows go into one statement, at least one.
func chunk(rows []row) int {
	size := 0
	for i, r := range rows {
		for _, v := range r {
			size += len(v.text)
		}
		if size > maxStatementBytes && i > 0 {
			return i
		}
	}
	return len(rows)
}

// value is a column's text as Postgres reads it.
type value struct {
	text string
	null bool
}

// row has a value for each column.
type row []value

// scalars are the parameters of insertOne.
func scalars(r row) []any {
	args := make([]any, len(r))
	for i, v := range r {
		if !v.null {
			args[i] = v.text
		}
	}
	return args
}

// arrays are the parameters of insertMany: one array for each column.
func arrays(rows []row) []any {
	args := make([]any, len(rows[0]))
	for i := range args {
		args[i] = array(rows, i)
	}
	return args
}

// array is one column of the rows as the text of an array. Drivers differ in which
// slices they take; text they all pass on.
func array(rows []row, column int) string {
	size := 2
	for _, r := range rows {
		text := r[column].text
		size += len(text) + strings.Count(text, `"`) + strings.Count(text, `\`) + len(`"",`) + 1
	}
	var out strings.Builder
	out.Grow(size)
	out.WriteByte('{')
	for i, r := range rows {
		if i > 0 {
			out.WriteByte(',')
		}
		if r[column].null {
			out.WriteString("NULL")
			continue
		}
		quoteElement(&out, r[column].text)
	}
	out.WriteByte('}')
	return out.String()
}

// quoteElement writes an element in double quotes, with \ before " and \.
func quoteElement(out *strings.Builder, text string) {
	out.WriteByte('"')
	for {
		i := strings.IndexAny(text, `"\`)
		if i < 0 {
			break
		}
		out.WriteString(text[:i])
		out.WriteByte('\\')
		out.WriteByte(text[i])
		text = text[i+1:]
	}
	out.WriteString(text)
	out.WriteByte('"')
}
