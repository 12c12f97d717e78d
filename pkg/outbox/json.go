package outbox

import "encoding/json"

// checkJSON checks that a column of type json or jsonb takes the text, and gives
// the length that it will be read with: jsonb is printed with one space after
// each comma and colon, and no other.
func checkJSON(text []byte, binary bool) (size int, err error) {
	if !json.Valid(text) {
		return 0, because(ErrJSON, "want JSON, or another type of column in Config.Types")
	}
	if !binary {
		return len(text), nil
	}
	for i := 0; i < len(text); {
		switch text[i] {
		case ' ', '\t', '\r', '\n':
			i++
		case ',', ':':
			size += 2
			i++
		case '"':
			n, err := stringLength(text[i:])
			if err != nil {
				return 0, err
			}
			size += n
			i += n
		default:
			size++
			i++
		}
	}
	return size, nil
}

// stringLength is the length of the string at the start of valid JSON, quotes
// included. jsonb takes no \u0000 and no half of a surrogate pair.
func stringLength(text []byte) (int, error) {
	high := false // the escape just read was the first half of a pair
	for i := 1; ; {
		c := text[i]
		escape := -1
		if c == '\\' && text[i+1] == 'u' {
			escape = hex4(text[i+2 : i+6])
		}
		low := escape&^0x3ff == 0xdc00
		if high != low {
			return 0, because(ErrJSON, "jsonb cannot hold half of a surrogate pair")
		}
		high = escape&^0x3ff == 0xd800
		switch {
		case c == '"':
			return i + 1, nil
		case escape == 0:
			return 0, because(ErrJSON, `jsonb cannot hold \u0000`)
		case escape > 0:
			i += len(`\u0000`)
		case c == '\\':
			i += len(`\n`)
		default:
			i++
		}
	}
}

// hex4 reads four hexadecimal digits of valid JSON.
func hex4(digits []byte) int {
	n := 0
	for _, c := range digits {
		switch {
		case c <= '9':
			n = n<<4 | int(c-'0')
		default:
			n = n<<4 | int(c|0x20-'a'+10)
		}
	}
	return n
}
