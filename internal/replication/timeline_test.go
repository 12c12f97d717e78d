package replication

import "testing"

func TestSwitchPoint(t *testing.T) {
	t.Parallel()
	const history = "1\t0/3000148\tno recovery target specified\n\n2\t0/5000000\tno recovery target specified\n"
	for before, want := range map[int32]string{1: "0/3000148", 2: "0/5000000"} {
		if got, err := switchPoint(history, before); err != nil || got.String() != want {
			t.Errorf("timeline %d was left at %v (%v), want %s", before, got, err, want)
		}
	}
	if _, err := switchPoint(history, 3); err == nil {
		t.Error("a timeline that is not in the history has a switch point")
	}
}
