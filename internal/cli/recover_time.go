package cli

import (
	"strconv"
	"strings"
	"time"
)

// parseTime reads a time of a command line: RFC 3339, a date, or an age before now.
func parseTime(flag, text string, now time.Time) (time.Time, error) {
	for _, layout := range []string{time.RFC3339Nano, time.DateTime, time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, nil
		}
	}
	age, err := time.ParseDuration(text)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		var n float64
		n, err = strconv.ParseFloat(days, 64)
		age = time.Duration(n * float64(24*time.Hour))
	}
	if err != nil || age < 0 {
		return time.Time{}, usage("%s: %q is no time: want 2026-01-31T12:00:00Z, 2026-01-31, or an age such as 90m or 3d", flag, text)
	}
	return now.Add(-age).Truncate(time.Millisecond), nil
}
