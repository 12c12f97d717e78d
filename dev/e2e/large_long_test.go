//go:build faults

package e2e_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/relay/relaytest"
)

// Row 53 by the memory of a process as it is shipped: a transaction of 300,000 rows in
// 3,000 subtransactions (in `make soak` a million in ten thousand), of which every tenth
// is undone, killed in the middle, and a COPY of 100,000. What comes again is at most the
// transaction; its size does not show in the memory.
func TestRow53_LargeTransactionByTheProcess(t *testing.T) {
	k := devstacktest.StartKafka(t, devstack.KafkaOptions{})
	h := with(t, relaytest.Options{Kafka: k})
	binary := build(t)
	p := launch(t, binary, "run", "-c", h.Config.File)
	p.Ready(t)
	const each = 100
	h.Exec(t, fmt.Sprintf(`DO $$ BEGIN
		FOR s IN 0..%[1]d - 1 LOOP
			BEGIN
				INSERT INTO outbox (aggregatetype, aggregateid, type, payload)
					SELECT 'order', 'k' || i %% 100, 'Created', jsonb_build_object('n', s * %[2]d + i) FROM generate_series(1, %[2]d) i;
				IF s %% 10 = 9 THEN RAISE 'undone'; END IF;
			EXCEPTION WHEN raise_exception THEN NULL;
			END;
		END LOOP;
	END $$`, subtransactions, each))
	const rows = subtransactions * each * 9 / 10
	p.Until(t, "a third to be published", func() bool { return h.published(t, p) > rows/3 })
	p.under(t, "a third of the transaction")
	p.Kill(t)
	h.released(t)
	p = launch(t, binary, "run", "-c", h.Config.File)
	h.confirmed(t, p)
	p.under(t, "the whole transaction")
	h.Exec(t, `COPY outbox (aggregatetype, aggregateid, type, payload) FROM PROGRAM 'seq 2000001 2100000 | sed `+
		`"s/.*/order,k&,Created,{\"\"n\"\": &}/; s/{.*/\"&\"/"' (FORMAT csv)`)
	h.confirmed(t, p)
	p.under(t, "COPY of 100,000 rows")
	p.Terminate(t)
	p.Exits(t, 0)
	if r := h.compare(t); r.Committed != rows+100_000 || r.Repeats > rows {
		t.Errorf("%v, want at most the transaction again", r)
	}
}

// A row of 100 MB is larger than max_message_bytes: it is refused without asking
// Kafka, and read past in the memory of a small one.
func TestRow53_RowOf100MB(t *testing.T) {
	h := newHarness(t, keys{"delivery.on_reject": "skip"})
	p := launch(t, build(t), "run", "-c", h.Config.File)
	p.Ready(t)
	const size = 100 << 20
	h.Exec(t, relaytest.Insert("k", 1))
	h.Exec(t, fmt.Sprintf(`INSERT INTO outbox (aggregatetype, aggregateid, type, payload) VALUES ('order', 'k', 'Created', `+
		`jsonb_build_object('pad', repeat('x', %d)))`, size))
	h.Exec(t, "DELETE FROM outbox WHERE payload ? 'pad'", relaytest.Insert("k", 2))
	h.confirmed(t, p)
	if !strings.Contains(p.Log.String(), "max_message_bytes") {
		t.Error("the log does not name kafka.max_message_bytes")
	}
	p.under(t, "a row of 100 MB")
	p.Terminate(t)
	p.Exits(t, 0)
	if r := h.compare(t); r.Records != 2 || r.Repeats != 0 {
		t.Errorf("%v", r)
	}
}
