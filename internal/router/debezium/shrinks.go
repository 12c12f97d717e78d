package debezium

// By how much a text may be shorter in the record than in the row.
const (
	shrinksBytes = 2  // bytea: two digits for a byte
	shrinksBits  = 8  // bit: a digit for a bit, six in base64, and zeros go
	shrinksArray = 32 // times in an array
)

// Shrinks returns how many times longer Postgres' text of a value may be than the
// record's, at most.
func (c Conversion) Shrinks() int64 {
	switch {
	case c.array && !c.kind.verbatim():
		return shrinksArray
	case c.kind == kindBits:
		return shrinksBits
	case !c.Verbatim():
		return shrinksBytes
	default:
		return 1
	}
}

// JSONShrinks is Shrinks for the value in JSON. Strings are never shorter there.
func (c Conversion) JSONShrinks() int64 {
	switch {
	case c.kind == kindText:
		return 1
	case c.array:
		return shrinksArray
	default:
		return max(c.Shrinks(), shrinksBytes)
	}
}
