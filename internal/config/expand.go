package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"unicode"
)

// maxReferenceBytes bounds what is read from the file of a reference.
const maxReferenceBytes = 1 << 20

// hasReference reports whether expand would change the text.
func hasReference(text string) bool { return strings.Contains(text, "${") }

// expand replaces the references of a text: ${NAME} by the environment variable,
// which must be set; ${NAME:-default} by the default when it is unset or empty;
// ${file:/path} by the content of the file. Line ends at the end of what they give,
// and a byte order mark at its beginning, are cut: nobody means those. A blank at
// either end is a fault. $${ stands for a literal ${. What a reference gives is not expanded again.
//
// All faults of the text are joined; none holds a value.
func expand(text string) (string, error) {
	if !hasReference(text) {
		return text, nil
	}
	var out strings.Builder
	var faults []error
	for {
		start := strings.Index(text, "${")
		if start < 0 {
			out.WriteString(text)
			return out.String(), errors.Join(faults...)
		}
		if start > 0 && text[start-1] == '$' {
			out.WriteString(text[:start-1] + "${")
			text = text[start+2:]
			continue
		}
		out.WriteString(text[:start])
		reference, rest, closed := strings.Cut(text[start+2:], "}")
		if !closed {
			return "", errors.Join(append(faults, errors.New("a reference ${ without its }; write $${ for a literal ${"))...)
		}
		value, err := resolve(reference)
		if err == nil {
			value, err = clean(reference, value)
		}
		if err != nil {
			faults = append(faults, err)
		}
		out.WriteString(value)
		text = rest
	}
}

// escape writes a text so that expand gives it back.
func escape(text string) string { return strings.ReplaceAll(text, "${", "$${") }

// resolve returns the value of what stands between ${ and }.
func resolve(reference string) (string, error) {
	if path, ok := strings.CutPrefix(reference, "file:"); ok {
		return readReference(path)
	}
	name, fallback, hasFallback := strings.Cut(reference, ":-")
	if !variableName.MatchString(name) {
		return "", errors.New("a reference is ${NAME}, ${NAME:-default} or ${file:/path}; write $${ for a literal ${")
	}
	value, set := os.LookupEnv(name)
	switch {
	case hasFallback && value == "":
		return fallback, nil
	case !set:
		return "", fmt.Errorf("the environment variable %s is not set; ${%s:-default} gives a default", name, name)
	default:
		return value, nil
	}
}

// byteOrderMark is U+FEFF in UTF-8, which editors put before a text.
const byteOrderMark = "\xef\xbb\xbf"

// clean cuts what a shell or an editor has added to a value. It refuses what looks the
// same and may be meant: a blank at the beginning or the end.
func clean(reference, value string) (string, error) {
	value = strings.TrimRight(strings.TrimPrefix(value, byteOrderMark), "\r\n")
	if strings.TrimSpace(value) == value {
		return value, nil
	}
	where := "beginning"
	if strings.TrimRightFunc(value, unicode.IsSpace) != value {
		where = "end"
	}
	what, at := "the environment variable ", reference
	if path, ok := strings.CutPrefix(reference, "file:"); ok {
		what, at = "the file ", path
	} else if name, _, ok := strings.Cut(reference, ":-"); ok {
		at = name
	}
	return "", fmt.Errorf("%s%s has a blank or a line end at the %s of its value: remove it; one that is meant is written in the "+
		"file, beside the reference", what, at, where)
}

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func readReference(path string) (string, error) {
	if path == "" {
		return "", errors.New("${file:} names no file")
	}
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("the file %s cannot be read: %w", path, cause(err))
	}
	defer func() { _ = f.Close() }() // read only: nothing is lost
	content, err := io.ReadAll(io.LimitReader(f, maxReferenceBytes+1))
	if err != nil {
		return "", fmt.Errorf("the file %s cannot be read: %w", path, cause(err))
	}
	if len(content) > maxReferenceBytes {
		return "", fmt.Errorf("the file %s is larger than %s", path, Size(maxReferenceBytes))
	}
	return string(content), nil
}

// cause is the reason of a failed file operation without its path, which the
// message around it names already.
func cause(err error) error {
	if pathError, ok := errors.AsType[*os.PathError](err); ok {
		return pathError.Err
	}
	return err
}
