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

// measureCase measures one case with its neighbour and its way to the servers.
func (b *bench) measureCase(ctx context.Context, p part, c benchCase) (r caseReport, err error) {
	r = caseReport{Name: c.name, Rows: c.rows, PerTx: c.perTx, Payload: c.payload, Topics: c.topics, Partitions: c.partitions}
	if err := b.conn.QueryRow(ctx, `SHOW server_version`).Scan(&r.Postgres); err != nil {
		return r, err
	}
	leave, err := b.visit(ctx, c.access)
	defer func() { err = errors.Join(err, leave()) }()
	if err != nil {
		return r, err
	}
	if p.latency {
		r.Latency, err = b.latencyOfAll(ctx)
		return r, err
	}
	l, err := b.fillBacklog(ctx, c.workload)
	if err != nil {
		return r, err
	}
	b.say("one drain to warm up")
	if _, err := b.drainRelay(ctx, b.walpostItself(), l, 0); err != nil {
		return r, err
	}
	if c.hog {
		hog, err := b.startHog(ctx)
		if err != nil {
			return r, err
		}
		defer hog.kill()
	}
	for i := range b.repetitions {
		drains, err := b.drainOnce(ctx, l, b.chosen(), i+1)
		r.Drains = append(r.Drains, drains...)
		if err != nil {
			return r, err
		}
	}
	return r, b.dropSlot(ctx, l.slot)
}

// startHog starts the neighbour.
func (b *bench) startHog(ctx context.Context) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return startChild(ctx, b.logFile(b.name("hog")), self, commandHog)
}

// latencyOfAll measures each relay by itself.
func (b *bench) latencyOfAll(ctx context.Context) ([]latency, error) {
	var all []latency
	for _, relay := range b.chosen() {
		series, err := b.latencyOf(ctx, relay)
		if err != nil {
			return all, err
		}
		all = append(all, series...)
	}
	return all, nil
}
