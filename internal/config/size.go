package config

import (
	"errors"
	"math"
	"regexp"
	"strconv"
)

// Size is a number of bytes.
type Size int64

// Units of a Size: multiples of 1024 with an i, of 1000 without.
const (
	KiB Size = 1 << 10
	MiB Size = 1 << 20
	GiB Size = 1 << 30
	KB  Size = 1e3
	MB  Size = 1e6
	GB  Size = 1e9
)

// sizePattern is the syntax of a size, for the parser and the schema.
var sizePattern = regexp.MustCompile(`^([0-9]+)(B|KiB|MiB|GiB|KB|MB|GB)?$`)

// ParseSize reads 1048576, 1024KiB, 1MiB, 900KB. A bare number is bytes.
func ParseSize(text string) (Size, error) {
	parts := sizePattern.FindStringSubmatch(text)
	if parts == nil {
		return 0, errors.New("want a size: a whole number with B, KiB, MiB, GiB, KB, MB or GB, like 16MiB")
	}
	number, err := strconv.ParseInt(parts[1], 10, 64)
	unit := int64(unitOf(parts[2]))
	if err != nil || number > math.MaxInt64/unit {
		return 0, errors.New("larger than any memory")
	}
	return Size(number * unit), nil
}

func unitOf(suffix string) Size {
	switch suffix {
	case "KiB":
		return KiB
	case "MiB":
		return MiB
	case "GiB":
		return GiB
	case "KB":
		return KB
	case "MB":
		return MB
	case "GB":
		return GB
	default:
		return 1
	}
}

// String writes the size with the largest unit of 1024 that divides it: 1MiB,
// 1500B.
func (s Size) String() string {
	switch {
	case s == 0:
		return "0B"
	case s%GiB == 0:
		return strconv.FormatInt(int64(s/GiB), 10) + "GiB"
	case s%MiB == 0:
		return strconv.FormatInt(int64(s/MiB), 10) + "MiB"
	case s%KiB == 0:
		return strconv.FormatInt(int64(s/KiB), 10) + "KiB"
	default:
		return strconv.FormatInt(int64(s), 10) + "B"
	}
}
