package e2e_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/dev/devstack/pause"
	"github.com/walpost/walpost/internal/relay/relaytest"
)

// appended makes Kafka put the time of the append on each record of a topic.
func appended() map[string]string {
	return map[string]string{"message.timestamp.type": "LogAppendTime"}
}

// Killed by SIGKILL again and again under load, the relay loses nothing, invents
// nothing and keeps the order of each key. Only what was not confirmed is published
// again, and what Kafka has is confirmed within a second.
func TestKilledTwentyTimesUnderLoad(t *testing.T) {
	t.Parallel()
	k := devstacktest.StartKafka(t, devstack.KafkaOptions{})
	h := with(t, relaytest.Options{Kafka: k, TopicConfig: appended()})
	walpost(t, "init", "-c", h.Config.File).Exits(t, 0)
	rnd := devstacktest.Rand(t)
	l := startLoad(t, h, devstacktest.Split(rnd))
	var runs []*run
	for i := range 20 {
		r := &run{from: h.released(t), started: time.Now()}
		p := walpost(t, "run", "-c", h.Config.File)
		p.Writes(t, `"walpost starts"`)
		moment := devstacktest.Upto(rnd, time.Second) // any, from the start-up on
		switch i % 4 {
		case 2:
			h.publishes(t, p) // on a busy machine too, half of the runs write
		case 3:
			h.publishes(t, p)
			moment += confirmedWithin + 500*time.Millisecond // late enough to see what was confirmed
		}
		pause.Real(t, moment, "the load goes on until the kill")
		r.ended = time.Now()
		if i%4 == 1 {
			dieWaiting(t, k, p)
		} else {
			p.Kill(t)
		}
		r.to = h.released(t)
		runs = append(runs, r)
	}
	r := &run{from: h.released(t), started: time.Now()}
	p := walpost(t, "run", "-c", h.Config.File)
	p.Ready(t)
	l.end(t)
	h.confirmed(t, p)
	p.Terminate(t)
	p.Exits(t, 0)
	r.ended, r.to = time.Now(), h.released(t)
	runs = append(runs, r)

	report := h.compare(t)
	records := h.records(t)
	assign(t, runs, records)
	table := commitTable(records)
	wrote, judged := 0, 0
	for i, r := range runs {
		r.startsAtConfirmed(t, i)
		if len(r.records) > 0 {
			wrote++
		}
		if r.confirmedInTime(t, i, table) {
			judged++
		}
	}
	t.Logf("%v; %d of %d runs wrote, %d for more than %v", report, wrote, len(runs), judged, confirmedWithin)
	if wrote < 10 || judged < 3 {
		t.Error("the kills came too early to show anything")
	}
}

// publishes waits until a process has published something.
func (h *harness) publishes(t *testing.T, p *process) {
	t.Helper()
	p.Until(t, "something to be published", func() bool { return h.published(t, p) > 0 })
}

// published returns how many records of the topic a process has published.
func (h *harness) published(t *testing.T, p *process) int {
	t.Helper()
	return int(p.metric(t, fmt.Sprintf("walpost_events_published_total{relay=%q,topic=%q}", h.Config.Name, h.Topic)))
}

// dieWaiting kills the process while Kafka does not answer: what has piled up
// unsent in the process dies with it.
func dieWaiting(t *testing.T, k *devstack.Kafka, p *process) {
	t.Helper()
	broker := k.Brokers()[0]
	if err := broker.Pause(); err != nil {
		t.Fatal(err)
	}
	pause.Real(t, 400*time.Millisecond, "the load goes on while Kafka does not answer")
	p.Kill(t)
	if err := broker.Resume(); err != nil {
		t.Fatal(err)
	}
}

// A planned stop reads the transaction it is in to its end, and leaves nothing
// that would come again.
func TestTerminatedUnderLoad(t *testing.T) {
	t.Parallel()
	h := with(t, relaytest.Options{TopicConfig: appended()})
	walpost(t, "init", "-c", h.Config.File).Exits(t, 0)
	rnd := devstacktest.Rand(t)
	l := startLoad(t, h, devstacktest.Split(rnd))
	var runs []*run
	for i := range 7 {
		r := &run{from: h.released(t), started: time.Now()}
		p := walpost(t, "run", "-c", h.Config.File)
		if i%3 == 2 {
			p.Writes(t, `"walpost starts"`) // and may be stopped before it streams; sooner, nobody has asked for signals
		} else {
			p.Ready(t)
		}
		if i%3 == 0 {
			h.publishes(t, p)
		}
		pause.Real(t, devstacktest.Upto(rnd, 700*time.Millisecond), "the load goes on until the stop")
		if i == 6 {
			l.end(t)
			h.confirmed(t, p)
		}
		p.Terminate(t)
		p.Exits(t, 0, `"walpost ends"`)
		r.ended, r.to = time.Now(), h.released(t)
		runs = append(runs, r)
	}
	report := h.compare(t)
	if report.Repeats != 0 {
		t.Errorf("%v", report)
	}
	assign(t, runs, h.records(t))
	wrote := 0
	for i, r := range runs {
		r.startsAtConfirmed(t, i)
		for _, rec := range r.records {
			if rec.commit >= r.to {
				t.Errorf("run %d ended with %v confirmed, and had published commit %v", i, r.to, rec.commit)
				break
			}
		}
		if len(r.records) > 0 {
			wrote++
		}
	}
	t.Logf("%v; %d of %d runs wrote", report, wrote, len(runs))
	if wrote < 3 {
		t.Errorf("only %d of %d runs wrote something", wrote, len(runs))
	}
}
