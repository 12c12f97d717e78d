package main

import (
	"context"
	"errors"
	"os"
	"time"
)

// partReport is what was measured of a part.
type partReport struct {
	Part       string       `json:"part"`
	Title      string       `json:"title"`
	Axis       string       `json:"axis"`
	Began      time.Time    `json:"began"`
	Took       string       `json:"took"`
	LoadBefore string       `json:"load_average_before"`
	LoadAfter  string       `json:"load_average_after"` // with the measurement's own
	Machine    machine      `json:"machine"`
	Settings   settings     `json:"settings"`
	Cases      []caseReport `json:"cases"`
}

// caseReport is what was measured of a case.
type caseReport struct {
	Name       string    `json:"name"`
	Rows       int64     `json:"rows"`
	PerTx      int64     `json:"rows_per_transaction"`
	Payload    int       `json:"payload_bytes"`
	Topics     int       `json:"topics"`
	Partitions int32     `json:"partitions_per_topic"`
	Postgres   string    `json:"postgres"`
	Drains     []drain   `json:"drains,omitempty"`
	Latency    []latency `json:"latency,omitempty"`
}

// changeServers ends the servers there are and starts those of a case, with a warm broker.
func (b *bench) changeServers(ctx context.Context, c benchCase) error {
	if err := b.stopServers(); err != nil {
		return err
	}
	if err := b.startServers(ctx, c.stack); err != nil {
		return err
	}
	return b.warmBroker(ctx)
}

// measureCase measures one case with its way to the servers.
func (b *bench) measureCase(ctx context.Context, c benchCase) (r caseReport, err error) {
	r = caseReport{Name: c.name, Rows: c.rows, PerTx: c.perTx, Payload: c.payload, Topics: c.topics, Partitions: c.partitions}
	if err := b.conn.QueryRow(ctx, `SHOW server_version`).Scan(&r.Postgres); err != nil {
		return r, err
	}
	leave, err := b.visit(ctx, c.access)
	defer func() { err = errors.Join(err, leave()) }()
	if err != nil {
		return r, err
	}
	if c.latency {
		r.Latency, err = b.latencyCase(ctx, c)
	} else {
		r.Drains, err = b.drainCase(ctx, c)
	}
	return r, err
}

// drainCase fills the outbox and drains it with all relays, beside the neighbour, after one drain that does not count: what
// the broker has compiled for the records that warmed it, or for other payloads or partitions, is of little use for these,
// and compiling took half of its CPU time in the first drain.
func (b *bench) drainCase(ctx context.Context, c benchCase) ([]drain, error) {
	l, err := b.fillBacklog(ctx, c.workload)
	if err != nil {
		return nil, err
	}
	for _, relay := range b.own() {
		b.say("one drain of %s that does not count", relay.name)
		if _, err := b.drainRelay(ctx, relay, l, 0); err != nil {
			return nil, err
		}
	}
	end, err := b.startNeighbour(ctx, c)
	if err != nil {
		return nil, err
	}
	defer end()
	var all []drain
	for i := range b.repetitions {
		drains, err := b.drainOnce(ctx, l, b.chosen(), i+1)
		all = append(all, drains...)
		if err != nil {
			return all, err
		}
	}
	return all, b.dropSlot(ctx, l.slot)
}

// latencyCase measures the relays, beside the neighbour.
func (b *bench) latencyCase(ctx context.Context, c benchCase) ([]latency, error) {
	if err := b.warmLatency(ctx); err != nil {
		return nil, err
	}
	end, err := b.startNeighbour(ctx, c)
	if err != nil {
		return nil, err
	}
	defer end()
	rates := b.rates
	if c.rate > 0 {
		rates = []int{c.rate}
	}
	return b.latencyInTurn(ctx, b.chosen(), rates)
}

// startNeighbour starts the program that runs beside a case, if there is one, and returns what ends it.
func (b *bench) startNeighbour(ctx context.Context, c benchCase) (end func(), err error) {
	if !c.hog {
		return func() {}, nil
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	hog, err := startChild(ctx, b.logFile(b.name("hog")), self, commandHog)
	if err != nil {
		return nil, err
	}
	return hog.kill, nil
}
