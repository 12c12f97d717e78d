package vectortest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/walpost/walpost/internal/pgoutput"
)

// nullText is how the vectors write NULL.
const nullText = "<null>"

func (f Field) null() bool { return string(f.Value) == `"`+nullText+`"` || string(f.Value) == "null" }

// insert returns the row that Postgres would send of a Connect struct.
func insert(after map[string]Field) (*pgoutput.Insert, error) {
	rel := &pgoutput.Relation{ID: 16385, Namespace: "public", Name: "outbox"}
	ins := &pgoutput.Insert{Relation: rel}
	for _, name := range slices.Sorted(maps.Keys(after)) {
		f := after[name]
		oid, text, err := columnType(strings.TrimSuffix(f.Schema, "?"))
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", name, err)
		}
		rel.Columns = append(rel.Columns, pgoutput.Column{Name: name, TypeOID: oid, TypeMod: -1})
		if f.null() {
			ins.Row = append(ins.Row, pgoutput.Value{Kind: pgoutput.Null})
			continue
		}
		data, err := text(f.Value)
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", name, err)
		}
		ins.Row = append(ins.Row, pgoutput.Value{Kind: pgoutput.Text, Data: []byte(data)})
	}
	return ins, nil
}

// columnType returns the type of a column with that Connect schema, and what makes
// Postgres' text of its value.
func columnType(schema string) (oid uint32, text func(json.RawMessage) (string, error), err error) {
	switch schema {
	case "STRING":
		return 25, asString, nil
	case "STRING:io.debezium.data.Uuid":
		return 2950, asString, nil
	case "STRING:io.debezium.data.Json":
		return 3802, asString, nil
	case "STRING:io.debezium.time.ZonedTimestamp":
		return 1184, asZoned, nil
	case "BYTES":
		return 17, asString, nil
	case "BOOLEAN":
		return 16, asBoolean, nil
	case "INT16":
		return 21, asNumber, nil
	case "INT32":
		return 23, asNumber, nil
	case "INT64":
		return 20, asNumber, nil
	case "FLOAT32":
		return 700, asNumber, nil
	case "FLOAT64":
		return 701, asNumber, nil
	case "INT32:io.debezium.time.Date":
		return 1082, asDate, nil
	case "INT64:io.debezium.time.MicroTimestamp":
		return 1114, asTimestamp, nil
	case "ARRAY":
		return 1009, asTextArray, nil
	}
	return 0, nil, fmt.Errorf("no column type for schema %q", schema)
}

func asString(v json.RawMessage) (s string, err error) {
	err = json.Unmarshal(v, &s)
	return s, err
}

func asZoned(v json.RawMessage) (string, error) {
	s, err := asString(v)
	if err != nil {
		return "", err
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	return t.UTC().Format("2006-01-02 15:04:05.999999+00"), err
}

func asBoolean(v json.RawMessage) (string, error) { return string(v[:1]), nil }

// asNumber prints as Postgres does: 1e10 has no exponent and no point there.
func asNumber(v json.RawMessage) (string, error) {
	return strings.TrimSuffix(string(v), ".0"), nil
}

func asDate(v json.RawMessage) (string, error) {
	days, err := strconv.ParseInt(string(v), 10, 64)
	return time.Unix(days*86400, 0).UTC().Format("2006-01-02"), err
}

func asTimestamp(v json.RawMessage) (string, error) {
	micros, err := strconv.ParseInt(string(v), 10, 64)
	return time.UnixMicro(micros).UTC().Format("2006-01-02 15:04:05.999999"), err
}

func asTextArray(v json.RawMessage) (string, error) {
	var items []*string
	if err := json.Unmarshal(v, &items); err != nil {
		return "", err
	}
	texts := make([]string, len(items))
	for i, item := range items {
		texts[i] = "NULL"
		if item != nil {
			texts[i] = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(*item) + `"`
		}
	}
	return "{" + strings.Join(texts, ",") + "}", nil
}
