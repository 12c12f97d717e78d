package connect

import (
	"regexp"
	"strings"

	"github.com/walpost/walpost/internal/router/debezium"
)

// What Debezium takes from the expression of a default, by regular expressions: it does
// not evaluate it.
var (
	literalDefault  = regexp.MustCompile(`'([^']*(?:''[^']*)*)'`)
	functionDefault = regexp.MustCompile(`^[(]?[A-Za-z0-9_.]+\((?:.+(?:, ?.+)*)?\)`)
	dateTimeDefault = regexp.MustCompile(`(?i)^(current_timestamp|current_time|current_date|localtime|localtimestamp)$`)
)

// defaultOf returns the default of a column as JSON, nil where Debezium's schema has none.
func (c *Column) defaultOf(oid uint32, expression string, types map[uint32]debezium.TypeInfo) []byte {
	if types[oid].Kind == 'e' {
		return c.enumDefault(expression)
	}
	placeholder, known := placeholderOf(oid)
	if !known {
		return nil
	}
	text, there := constant(strings.TrimSpace(expression), placeholder)
	if !there {
		return nil
	}
	if oid == debezium.OIDBool { // Boolean.parseBoolean
		text = map[bool]string{true: "t", false: "f"}[strings.EqualFold(text, "true")]
	}
	json, err := c.conversion.AppendJSON(nil, []byte(text))
	if err != nil || c.schema.kind == typeStruct {
		return nil
	}
	return json
}

// placeholderOf returns what Debezium takes for the value of a function. It is false for
// the types whose defaults it does not look at.
func placeholderOf(oid uint32) (text string, ok bool) {
	switch oid {
	case debezium.OIDBool:
		return "false", true
	case debezium.OIDInt2, debezium.OIDInt4, debezium.OIDInt8, debezium.OIDVarbit:
		return "0", true
	case debezium.OIDNumeric, debezium.OIDFloat4, debezium.OIDFloat8:
		return "0.0", true
	case debezium.OIDBit:
		return "00", true
	case debezium.OIDText, debezium.OIDVarchar, debezium.OIDBpchar, debezium.OIDXML:
		return "", true
	case debezium.OIDJSON, debezium.OIDJSONB:
		return "{}", true
	case debezium.OIDUUID:
		return "00000000-0000-0000-0000-000000000000", true
	case debezium.OIDDate, debezium.OIDTimestamp, debezium.OIDTimestamptz:
		return "1970-01-01", true
	case debezium.OIDTime:
		return "00:00:00", true
	case debezium.OIDInterval:
		return "epoch", true // which is none
	}
	return "", false
}

// constant returns the text of an expression, and whether it has one.
func constant(expression, placeholder string) (text string, ok bool) {
	if functionDefault.MatchString(expression) || dateTimeDefault.MatchString(expression) {
		return placeholder, true
	}
	if literal := literalDefault.FindStringSubmatch(expression); literal != nil {
		return strings.ReplaceAll(literal[1], "''", "'"), true
	}
	return expression, !strings.HasPrefix(expression, "NULL::")
}

// enumDefault reads 'label'::type.
func (c *Column) enumDefault(expression string) []byte {
	cast := strings.LastIndex(expression, "::")
	if cast < 2 || expression[0] != '\'' || expression[cast-1] != '\'' {
		return nil
	}
	return appendString(nil, expression[1:cast-1])
}
