package cli

import (
	"bufio"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"
)

// This file is the only one that asks a person, and reads what a person typed.

// question is what a person is asked before something is changed.
type question struct {
	prompt string // "Type yes to continue: "
	answer string // what agrees
	undone string // what was not done without it: "nothing was done"
}

// yesQuestion is asked where no name is at stake.
func yesQuestion() question {
	return question{prompt: "Type yes to continue: ", answer: "yes", undone: "nothing was done"}
}

// slotQuestion is asked before a slot is dropped.
func slotQuestion(slot, undone string) question {
	return question{prompt: "Type the slot's name to continue: ", answer: slot, undone: undone}
}

// confirm asks the question on w and reads a line of in. Another answer is an error of
// usage.
func confirm(w io.Writer, in *bufio.Reader, q question) error {
	out := newPrinter(w)
	if out.prompt("%s", q.prompt); out.err != nil {
		return out.err
	}
	answer, err := in.ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if strings.TrimSpace(answer) == q.answer {
		return nil
	}
	if err != nil { // at the end of the input nobody has ended the line of the question
		out.line("")
	}
	return usage("not confirmed, %s: type %s, or give --yes", q.undone, q.answer)
}

// parseTime returns the time that a flag's text stands for: RFC 3339, a date, or an age
// before now. The empty text is the zero time.
func parseTime(flag, text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339Nano, time.DateTime, time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, nil
		}
	}
	age, err := parseAge(text)
	if err != nil || age < 0 {
		return time.Time{}, usage("%s: %q is no time: want 2026-01-31T12:00:00Z, 2026-01-31, or an age such as 90m or 3d", flag, text)
	}
	return now.Add(-age).Truncate(time.Millisecond), nil
}

// parseAge is time.ParseDuration that also takes days, such as 3d.
func parseAge(text string) (time.Duration, error) {
	days, ok := strings.CutSuffix(text, "d")
	if !ok {
		return time.ParseDuration(text)
	}
	n, err := strconv.ParseFloat(days, 64)
	return time.Duration(n * float64(24*time.Hour)), err
}
