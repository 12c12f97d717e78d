package connect

import (
	"strconv"

	"github.com/walpost/walpost/internal/router/debezium"
)

// Names of types, as JsonConverter writes them.
const (
	typeBoolean = "boolean"
	typeInt16   = "int16"
	typeInt32   = "int32"
	typeInt64   = "int64"
	typeFloat   = "float"
	typeDouble  = "double"
	typeString  = "string"
	typeBytes   = "bytes"
	typeArray   = "array"
	typeStruct  = "struct"
)

// schema is a schema of Kafka Connect.
type schema struct {
	kind       string // one of the types
	items      *schema
	fields     []field
	optional   bool
	name       string
	version    int // 0: none
	doc        string
	parameters []parameter
	def        []byte // default, as JSON; nil: none
}

// field is a member of a struct.
type field struct {
	name string
	schema
}

// parameter is a parameter of a schema.
type parameter struct{ name, value string }

// append appends the schema as JSON. name is that of the field it is the schema of, "" for
// none.
func (s *schema) append(dst []byte, name string) []byte {
	dst = append(dst, `{"type":"`...)
	dst = append(dst, s.kind...)
	dst = append(dst, '"')
	if s.items != nil {
		dst = append(dst, `,"items":`...)
		dst = s.items.append(dst, "")
	}
	if s.kind == typeStruct {
		dst = append(dst, `,"fields":[`...)
		for i := range s.fields {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = s.fields[i].append(dst, s.fields[i].name)
		}
		dst = append(dst, ']')
	}
	return s.appendRest(dst, name)
}

// appendRest appends what stands behind the type of a schema.
func (s *schema) appendRest(dst []byte, name string) []byte {
	dst = append(dst, `,"optional":`...)
	dst = strconv.AppendBool(dst, s.optional)
	if s.name != "" {
		dst = appendMember(dst, "name", s.name)
	}
	if s.version != 0 {
		dst = append(dst, `,"version":`...)
		dst = strconv.AppendInt(dst, int64(s.version), 10)
	}
	if s.doc != "" {
		dst = appendMember(dst, "doc", s.doc)
	}
	dst = appendParameters(dst, s.parameters)
	if s.def != nil {
		dst = append(dst, `,"default":`...)
		dst = append(dst, s.def...)
	}
	if name != "" {
		dst = appendMember(dst, "field", name)
	}
	return append(dst, '}')
}

func appendParameters(dst []byte, parameters []parameter) []byte {
	if len(parameters) == 0 {
		return dst
	}
	separator := `,"parameters":{`
	for _, p := range parameters {
		dst = appendString(append(dst, separator...), p.name)
		dst = appendString(append(dst, ':'), p.value)
		separator = ","
	}
	return append(dst, '}')
}

func appendMember(dst []byte, name, value string) []byte {
	dst = append(dst, ',', '"')
	dst = append(dst, name...)
	dst = append(dst, `":`...)
	return appendString(dst, value)
}

// appendString appends a text of the catalogue or of the configuration, which is UTF-8.
func appendString(dst []byte, s string) []byte {
	dst, _ = debezium.AppendString(dst, []byte(s))
	return dst
}
