package relay

import (
	"testing"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/record"
)

// The position is cut to where the new timeline begins, and what was read beyond
// is counted.
func TestCutAtTheSwitchPoint(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		point  pgoutput.LSN
		read   record.Position
		beyond uint64
	}{
		"nothing beyond":        {0x5000, record.Position{CommitLSN: 0x4000, Ordinal: 3}, 0},
		"one transaction":       {0x3800, record.Position{CommitLSN: 0x3800}, 3},
		"two, the first at it":  {0x3000, record.Position{CommitLSN: 0x3000}, 6},
		"everything this has":   {0x0001, record.Position{CommitLSN: 0x0001}, 12},
		"just behind the first": {0x1001, record.Position{CommitLSN: 0x1001}, 9},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &pipeline{stats: &pipelineStats{}}
			for tx := range uint64(4) { // four transactions with three events each
				commit := pgoutput.LSN(tx+1) * 0x1000
				p.recent.Note(commit, tx*3+1)
				p.read = record.Position{CommitLSN: commit, Ordinal: 3}
				p.stats.events.Store(tx*3 + 3)
			}
			if got := p.rewindTo(tc.point); got != tc.beyond || p.read != tc.read {
				t.Errorf("%d beyond, position %v; want %d, %v", got, p.read, tc.beyond, tc.read)
			}
		})
	}
}
