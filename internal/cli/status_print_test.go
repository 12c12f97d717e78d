package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/status"
)

func TestStatusInWords(t *testing.T) {
	t.Parallel()
	lost := reportFromSlot(&catalog.Slot{Name: "s", WALStatus: "lost"}, &config.Config{File: "f.yaml"})
	behind := reportFromSlot(&catalog.Slot{
		Name: "s", Active: true, WALStatus: "unreserved", LagBytes: new(int64(5)), RetainedBytes: 2048, SafeWALBytes: new(int64(1 << 20)),
		ConfirmedFlushLSN: 2, RestartLSN: 1,
	}, &config.Config{File: "f.yaml"})
	none := reportFromSlot(nil, &config.Config{File: "f.yaml"})
	for _, c := range []struct {
		st        status.Report
		state     status.State
		condition string
	}{
		{lost, status.HaltedState, status.ConditionSlotLost},
		{behind, status.Streaming, status.ConditionSlotAtRisk},
		{none, status.Stopped, status.ConditionSlotMissing},
	} {
		if c.st.State != c.state || len(c.st.Conditions) != 1 || c.st.Conditions[0].Name != c.condition ||
			c.st.Conditions[0].Severity != status.Critical {
			t.Errorf("%+v", c.st)
		}
	}
	want := `relay= state=streaming slot=s active=true wal_status=unreserved confirmed_flush_lsn=0/2 restart_lsn=0/1 ` +
		`retained_bytes=2048 safe_wal_bytes=1048576 lag_bytes=5 conditions=slot_at_risk reason="a connection streams from the slot"`
	if got := plain(&behind); got != want {
		t.Errorf("%s", got)
	}
}

func TestStatusForPeople(t *testing.T) {
	t.Parallel()
	st := reportFromSlot(&catalog.Slot{Name: "s", WALStatus: "reserved", RetainedBytes: 2048}, &config.Config{File: "f.yaml"})
	began := time.Now().Add(-90 * time.Second)
	st.Relay, st.Since, st.LagSeconds, st.InFlight = "orders", &began, new(1.25), &status.InFlight{Events: 3, Bytes: 1 << 20}
	st.LastError = &status.LastError{Text: "broken pipe", At: began}
	st.Topics = []status.TopicReport{{Topic: "t", Published: 42}}
	st.Rejected = []status.Rejections{{Topic: "t", Reason: "too_large", Events: 2}}
	st.Transactions = &status.Transactions{ID: "walpost-orders", Committed: 9, Aborted: 4, OpenSeconds: 2.5}
	st.ConsumerGroups = []status.GroupLag{{Group: "billing", Topic: "t", Records: 7}}
	warn(&st, &config.Config{File: "f.yaml"}, status.ConditionThrottled, "")
	var w bytes.Buffer
	if err := printStatuses(&printer{w: &w, human: true}, []status.Report{st}); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"orders", "for 1m30s", "2.0 KiB", "1.2 s", "3 events, 1.0 MiB", "broken pipe", "t  42 published", "2 too_large",
		"9 committed, 4 aborted, one open for 2.5s", "billing  7 of t",
		"raise delivery.in_flight",
	} {
		if !strings.Contains(w.String(), text) {
			t.Errorf("no %q in %q", text, w.String())
		}
	}
}
