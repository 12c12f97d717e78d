package replication

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pglogrepl"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/postgres"
)

// SwitchPoint returns where the server's timeline branched off the one before, by its
// history (TIMELINE_HISTORY). What was written to the old timeline beyond that point does
// not exist on this one. unrelated says why the server knows of no such point; an error may
// pass, as a lost connection does.
func (s *Session) SwitchPoint(ctx context.Context, before int32) (point pgoutput.LSN, unrelated, err error) {
	history, err := pglogrepl.TimelineHistory(ctx, s.conn, s.Timeline)
	if err != nil {
		classified := postgres.Classify(fmt.Sprintf("read the history of timeline %d", s.Timeline), err)
		if Passing(err) {
			return 0, nil, classified
		}
		return 0, classified, nil
	}
	point, unrelated = switchPoint(string(history.Content), before)
	return point, unrelated, nil
}

// FindSwitchPoint is Session.SwitchPoint over a connection of its own: a stream's takes no
// questions.
func FindSwitchPoint(ctx context.Context, target postgres.Target, slot string, before int32) (point pgoutput.LSN, unrelated, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	s, err := Open(ctx, target, slot)
	if err != nil {
		return 0, nil, err
	}
	defer s.Close(context.WithoutCancel(ctx))
	return s.SwitchPoint(ctx, before)
}

// switchPoint reads a history file: a line for each timeline of the past with its
// number, the LSN where it was left, and a reason in words.
func switchPoint(history string, before int32) (pgoutput.LSN, error) {
	for line := range strings.Lines(history) {
		fields := strings.Fields(line)
		if len(fields) < 2 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		if n, err := strconv.ParseInt(fields[0], 10, 32); err == nil && int32(n) == before {
			return pgoutput.ParseLSN(fields[1])
		}
	}
	return 0, fmt.Errorf("timeline %d is not in the history of this server", before)
}
