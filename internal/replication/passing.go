package replication

import (
	"errors"

	"github.com/walpost/walpost/internal/postgres"
)

// Passing reports whether what ended a running stream may pass without a change in the
// database: a lost connection, a shutdown, lack of memory or disk space, a lock. Other
// errors are caused by what is in the WAL or by how the server reads it, and come again at
// the same place.
func Passing(err error) bool {
	if errors.Is(err, ErrSilent) || errors.Is(err, ErrEnded) {
		return true
	}
	err = postgres.Classify("stream", err)
	switch postgres.KindOf(err) {
	case postgres.Unreachable, postgres.TooMany, postgres.SlotActive, postgres.Standby, postgres.Canceled, postgres.Lost:
		return true
	default:
	}
	e, ok := errors.AsType[*postgres.Error](err)
	return ok && passingState(e.Code)
}

// passingState reports whether an error of this SQLSTATE may pass. It goes by the class
// of the SQLSTATE, its first two characters.
func passingState(code string) bool {
	if len(code) != 5 {
		return false
	}
	switch code[:2] {
	case "08", // connection
		"40", // serialization, deadlock
		"53", // memory, disk, limits
		"55", // a lock, an object in use
		"57": // an operator, a time limit, a crash of another process
		return true
	default:
		return code == "58030" // the disk
	}
}
