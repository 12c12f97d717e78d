package e2e_test

import (
	"math/rand/v2"
	"testing"
	"time"
)

// appended makes Kafka put the time of the append on each record of a topic.
func appended() map[string]string {
	return map[string]string{"message.timestamp.type": "LogAppendTime"}
}

// Killed by SIGKILL again and again under load, the relay loses nothing, invents
// nothing and keeps the order of each key; and what comes again is only what was
// not confirmed, which follows what Kafka has within a second (contract, 4).
func TestKilledTwentyTimesUnderLoad(t *testing.T) {
	t.Parallel()
	f := newFixtureOn(t, stack.Kafka(t), appended(), nil)
	walpost(t, "init", "-c", f.file).exits(t, 0)
	l := startLoad(t, f)
	var runs []*run
	for range 20 {
		r := &run{from: f.released(t), started: time.Now()}
		p := walpost(t, "run", "-c", f.file)
		<-time.After(100*time.Millisecond + rand.N(1700*time.Millisecond)) // any moment, from the start-up on
		r.ended = time.Now()
		p.kill(t)
		r.to = f.released(t)
		runs = append(runs, r)
	}
	r := &run{from: f.released(t), started: time.Now()}
	p := walpost(t, "run", "-c", f.file)
	p.ready(t)
	l.end(t)
	f.confirmed(t, p)
	p.terminate(t)
	p.exits(t, 0)
	r.ended, r.to = time.Now(), f.released(t)
	runs = append(runs, r)

	report := f.compare(t)
	records := f.records(t)
	assign(t, runs, records)
	table := commitTable(records)
	wrote := 0
	for i, r := range runs {
		if len(r.records) > 0 {
			wrote++
		}
		r.startsAtConfirmed(t, i)
		commits, at := r.complete(table)
		for j, commit := range commits {
			if at[j].Before(r.ended.Add(-time.Second)) && commit >= r.to {
				t.Errorf("run %d: Kafka had all up to commit %v for %v when the process was killed, and only %v was confirmed",
					i, commit, r.ended.Sub(at[j]), r.to)
				break
			}
		}
	}
	t.Logf("%v; %d of %d runs wrote", report, wrote, len(runs))
	if wrote < 10 {
		t.Errorf("only %d of %d runs wrote something: the kills came too early to show anything", wrote, len(runs))
	}
}

// A planned stop reads the transaction it is in to its end, and leaves nothing
// that would come again.
func TestTerminatedUnderLoad(t *testing.T) {
	t.Parallel()
	f := newFixtureOn(t, stack.Kafka(t), appended(), nil)
	walpost(t, "init", "-c", f.file).exits(t, 0)
	l := startLoad(t, f)
	var runs []*run
	for i := range 7 {
		r := &run{from: f.released(t), started: time.Now()}
		p := walpost(t, "run", "-c", f.file)
		if i%3 == 2 {
			p.writes(t, `"walpost starts"`) // and may be stopped before it streams; sooner, nobody has asked for signals
		} else {
			p.ready(t)
		}
		<-time.After(rand.N(700 * time.Millisecond))
		if i == 6 {
			l.end(t)
			f.confirmed(t, p)
		}
		p.terminate(t)
		p.exits(t, 0, `"walpost ends"`)
		r.ended, r.to = time.Now(), f.released(t)
		runs = append(runs, r)
	}
	report := f.compare(t)
	if report.Repeats != 0 {
		t.Errorf("%v", report)
	}
	assign(t, runs, f.records(t))
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
	if wrote < 4 {
		t.Errorf("only %d of %d runs wrote something", wrote, len(runs))
	}
}
