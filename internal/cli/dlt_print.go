package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/walpost/walpost/internal/safetext"
	"github.com/walpost/walpost/pkg/inbox/deadletter"
)

// deadLetterLine is a dead letter in a line: where it is, what it is, and why.
func (p *printer) deadLetterLine(d *deadletter.Record, view deadLetterView) {
	words := []safe{
		p.paint(styleDim, deadLetterTime(d)), say("%s/%d@%d", d.Topic, d.Partition, d.Offset),
		say("for=%s", d.Event.Topic), "key=" + p.paint(styleBold, safetext.TruncateName(shownAs(d.Event.Key, view.format.Key))),
		say("id=%s", shown([]byte(safetext.TruncateName(eventID(d, view.format))))),
		"reason=" + p.paint(styleError, shown([]byte(safetext.TruncateName(d.Reason)))),
	}
	if d.Group != "" {
		words = append(words, say("group=%s", shown([]byte(safetext.TruncateName(d.Group)))), say("attempts=%d", d.Attempts))
	}
	if d.Redrives > 0 {
		words = append(words, say("redrives=%d", d.Redrives))
	}
	words = append(words, say("%s", valueOf(d, view)))
	if d.Incomplete != "" {
		words = append(words, "lacks="+p.paint(styleWarning, strconv.Quote(safetext.TruncateText(d.Incomplete))))
	}
	words = append(words, say("error=%s", strconv.Quote(safetext.TruncateText(d.Error))))
	if d.Handled != "" {
		words = append(words, p.paint(styleWarning, d.Handled))
	}
	p.words(words)
}

// deadLetterPage is a dead letter in full.
func (p *printer) deadLetterPage(d *deadletter.Record, view deadLetterView) {
	e := d.Event
	p.line("%s", p.paint(styleBold, fmt.Sprintf("%s/%d@%d", d.Topic, d.Partition, d.Offset)))
	row := func(name, text string) {
		if text != "" {
			p.line("  %-13s %s", name, text)
		}
	}
	where := e.Topic
	if e.Partition >= 0 {
		where = fmt.Sprintf("%s/%d@%d", e.Topic, e.Partition, e.Offset)
	}
	row("was", where)
	row("id", shown([]byte(eventID(d, view.format))))
	row("key", shownAs(e.Key, view.format.Key))
	for _, h := range e.Headers {
		row("header", shown([]byte(h.Name))+"="+shownAs(h.Value, view.format.Headers))
	}
	row("value", strings.TrimPrefix(valueOf(d, view), "value="))
	row("lacks", shown([]byte(d.Incomplete)))
	row("position", shown([]byte(d.Position)))
	row("reason", shown([]byte(d.Reason)))
	row("error", shown([]byte(d.Error)))
	if d.Group != "" {
		row("error class", shown([]byte(d.Class)))
		row("group", shown([]byte(d.Group)))
		row("attempts", fmt.Sprint(d.Attempts))
		row("first failed", timeText(d.FirstFailed))
	}
	row("given up", timeText(d.Time))
	if d.Redrives > 0 {
		row("redrives", fmt.Sprint(d.Redrives))
	}
	row(d.Handled, timeText(d.HandledAt))
}

func deadLetterTime(d *deadletter.Record) string {
	if d.Time.IsZero() {
		return "-"
	}
	return timeText(d.Time)
}

func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

func valueOf(d *deadletter.Record, view deadLetterView) string {
	switch value := d.Event.Payload; {
	case value == nil:
		return "value=null"
	case view.payload:
		return "value=" + shownAs(value, view.format.Value)
	default:
		return fmt.Sprintf("value=<%d bytes>", len(value))
	}
}

// deadLetterJSON is a line of `dlt list --json` and `dlt show --json`. Bytes that are no
// text are base64, under names that say so.
type deadLetterJSON struct {
	Topic         string         `json:"topic"`
	Partition     int32          `json:"partition"`
	Offset        int64          `json:"offset"`
	FromTopic     string         `json:"from_topic"`
	FromPartition int32          `json:"from_partition"` // -1: it never was in one
	FromOffset    int64          `json:"from_offset"`
	ID            string         `json:"id"`
	Key           *string        `json:"key"`
	KeyBase64     []byte         `json:"key_base64,omitempty"`
	Headers       []tailedHeader `json:"headers"`
	ValueBytes    *int           `json:"value_bytes"` // null: a tombstone
	Value         *string        `json:"value,omitempty"`
	ValueBase64   []byte         `json:"value_base64,omitempty"`
	Incomplete    string         `json:"incomplete,omitempty"` // what it lacks of its record
	Position      string         `json:"position,omitempty"`   // of the relay's: commit LSN and ordinal
	Reason        string         `json:"reason"`
	ErrorClass    string         `json:"error_class,omitempty"`
	Error         string         `json:"error"`
	Group         string         `json:"group,omitempty"`
	Attempts      int            `json:"attempts"`
	FirstFailed   *time.Time     `json:"first_failed,omitempty"`
	Time          *time.Time     `json:"time,omitempty"`
	Redrives      int            `json:"redrives"`
	Handled       string         `json:"handled,omitempty"`
	HandledAt     *time.Time     `json:"handled_at,omitempty"`
}

func writeDeadLetter(w io.Writer, d *deadletter.Record, view deadLetterView) error {
	e := d.Event
	line := deadLetterJSON{
		Topic: d.Topic, Partition: d.Partition, Offset: d.Offset, FromTopic: e.Topic, FromPartition: e.Partition, FromOffset: e.Offset,
		ID: eventID(d, view.format), Headers: []tailedHeader{}, Incomplete: d.Incomplete, Position: d.Position, Reason: d.Reason,
		ErrorClass: d.Class, Error: d.Error, Group: d.Group, Attempts: d.Attempts,
		FirstFailed: timeOrNone(d.FirstFailed), Time: timeOrNone(d.Time), Redrives: d.Redrives, Handled: d.Handled,
		HandledAt: timeOrNone(d.HandledAt),
	}
	line.Key, line.KeyBase64 = textOr(e.Key)
	for _, h := range e.Headers {
		line.Headers = append(line.Headers, headerOf(h.Name, h.Value))
	}
	if e.Payload != nil {
		line.ValueBytes = new(len(e.Payload))
	}
	if view.payload {
		line.Value, line.ValueBase64 = textOr(e.Payload)
	}
	return json.NewEncoder(w).Encode(line)
}

func timeOrNone(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
