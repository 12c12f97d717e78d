package position_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/position"
	"github.com/walpost/walpost/internal/record"
)

// Where to continue is judged by server, slot, source and timeline. Whatever leaves a doubt is an operator's to decide.
func TestJudge(t *testing.T) {
	t.Parallel()
	slot := position.Slot{
		Name: "s", System: "7", Timeline: 2, Source: "public.outbox", Confirmed: 100, Flushed: 300,
		SwitchPoint: func(_ context.Context, timeline int32) (point pgoutput.LSN, unrelated, err error) {
			switch timeline {
			case 1:
				return 150, nil, nil
			case 8:
				return 0, nil, io.ErrUnexpectedEOF
			default:
				return 0, errors.New("not in the history"), nil
			}
		},
	}
	at := slot.First("host")
	at.Event, at.Complete = record.Position{CommitLSN: 90, Ordinal: 3}, 100
	for name, c := range map[string]struct {
		change func(*position.Position)
		reason string // "": continues
	}{
		"fits":              {func(*position.Position) {}, ""},
		"ahead of the slot": {func(p *position.Position) { p.Event.CommitLSN, p.Complete = 200, 210 }, ""},
		"an earlier state of the server": {
			func(p *position.Position) { p.Event.CommitLSN, p.Complete = 301, 310 }, "events were published that the server does not have",
		},
		"another cluster":     {func(p *position.Position) { p.System = "8" }, "the position in Kafka is of another Postgres cluster"},
		"older than the slot": {func(p *position.Position) { p.Complete = 99 }, "the slot was advanced by somebody else"},
		"another outbox, no event": {
			func(p *position.Position) { p.Source, p.Event = "public.old", record.Position{CommitLSN: 100} }, "",
		},
		"another outbox, complete": {func(p *position.Position) { p.Source = "public.old" }, ""},
		"another outbox, inside": {
			func(p *position.Position) { p.Source, p.Event.CommitLSN = "public.old", 120 },
			"the position in Kafka is in the middle of a transaction of another outbox",
		},
		"another slot, the same outbox": {func(p *position.Position) { p.Slot = "other" }, ""},
		"another relay": {
			func(p *position.Position) { p.Slot, p.Source = "other", "public.other" }, "the position in Kafka is of another relay",
		},
		"before the switch":             {func(p *position.Position) { p.Timeline = 1 }, ""},
		"before the switch, slot ahead": {func(p *position.Position) { p.Timeline, p.Complete = 1, 95 }, ""},
		"beyond the switch": {
			func(p *position.Position) { p.Timeline, p.Event.CommitLSN, p.Complete = 1, 160, 170 },
			"events were published that the server does not have",
		},
		"another history": {func(p *position.Position) { p.Timeline = 9 }, "the position in Kafka is of another timeline"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := at
			c.change(&p)
			got, err := slot.Judge(t.Context(), p.Value())
			misfit, is := errors.AsType[*position.MisfitError](err)
			switch {
			case c.reason == "" && (err != nil || got.Event != p.Event || got.Timeline != slot.Timeline || got.Complete < slot.Confirmed):
				t.Errorf("%+v, %v", got, err)
			case c.reason != "" && (!is || misfit.Reason != c.reason):
				t.Errorf("%v, want %s", err, c.reason)
			}
		})
	}
	advanced, old := slot, at
	advanced.Confirmed, old.Timeline = 160, 1 // beyond the switch point
	if _, err := advanced.Judge(t.Context(), old.Value()); errorsReason(err) != "the slot was advanced by somebody else" {
		t.Errorf("a slot that was advanced on the new timeline: %v", err)
	}
	old.Event.CommitLSN, old.Complete = 170, 180
	if _, err := slot.Judge(t.Context(), old.Value()); err == nil || !strings.Contains(err.Error(), "lies beyond") {
		t.Errorf("events beyond the switch point: %v", err)
	} else if misfit, _ := errors.AsType[*position.MisfitError](err); misfit.SetTo != 150 {
		t.Errorf("it is to be set to %v, want the switch point", misfit.SetTo)
	}
	old.Timeline = 8
	if _, err := slot.Judge(t.Context(), old.Value()); !errors.Is(err, io.ErrUnexpectedEOF) || errorsReason(err) != "" {
		t.Errorf("a server that could not be asked: %v", err)
	}
	for name, value := range map[string]string{
		"there is no position of the slot in Kafka": "", "the position in Kafka cannot be read": `{"version": 2}`,
	} {
		if _, err := slot.Judge(t.Context(), []byte(value)); err == nil || errorsReason(err) != name {
			t.Errorf("%q: %v", value, err)
		}
	}
}

func errorsReason(err error) string {
	if e, ok := errors.AsType[*position.MisfitError](err); ok {
		return e.Reason
	}
	return ""
}
