package main

import (
	"fmt"
	"time"
)

// part is a group of measurements that belong in one table, made in one go and kept in one file.
type part struct {
	name  string // of the file too
	title string
	axis  string // what differs between its cases
	note  string // for the reader of its tables; "": none
	cases []benchCase
	peers bool // measure the other relays too

	exactlyOnce bool // measure walpost with transactions too
}

// benchCase is one workload on one set of servers.
type benchCase struct {
	workload

	stack  stackSpec
	access access
	hog    bool // a program beside it keeps a core busy

	latency bool // measure latency, not drains
	rate    int  // of that, in events a second; 0: as the options say
}

// allParts are the parts of `make bench-all`, for so many rows where nothing else is said.
func allParts(rows int64) []part {
	return []part{
		peersPart(rows),
		latencyPart(), exactlyOncePart(rows),
		transactionsPart(rows), partitionsPart(rows), topicsPart(rows), payloadsPart(rows), brokersPart(rows), postgresPart(rows),
		delayPart(rows), tlsPart(rows), hogPart(rows),
	}
}

const usualPerTx = 100

func cases(all ...workload) []benchCase {
	made := make([]benchCase, 0, len(all))
	for _, w := range all {
		made = append(made, benchCase{workload: w})
	}
	return made
}

func peersPart(rows int64) part {
	return part{
		name: "peers", title: "Other relays", axis: "rows of a transaction", peers: true,
		cases: cases(usual("100", rows, usualPerTx), usual("1", rows, 1)),
	}
}

func latencyPart() part {
	return part{
		name: "latency", title: "COMMIT returned → record at a consumer", axis: "events a second", peers: true,
		cases: []benchCase{{workload: usual("100", 0, 1), latency: true}},
	}
}

func exactlyOncePart(rows int64) part {
	const usualRate, highRate = 100, 1_000
	return part{
		name: "exactly_once", title: "Exactly once", axis: "rows of a transaction, or events a second", exactlyOnce: true,
		note: "The consumer of the latency series reads with `isolation.level=read_committed`.",
		cases: []benchCase{
			{workload: usual("100", rows, usualPerTx)},
			{workload: usual("1", rows, 1)},
			{workload: usual(grouped(rows), rows, rows)},
			{workload: usual("100/s", 0, 1), latency: true, rate: usualRate},
			{workload: usual("1,000/s", 0, 1), latency: true, rate: highRate},
		},
	}
}

func transactionsPart(rows int64) part {
	p := part{name: "transactions", title: "Size of the transactions", axis: "rows of a transaction"}
	for _, perTx := range []int64{1, 10, 100, 10_000, 1_000_000} {
		p.cases = append(p.cases, benchCase{workload: usual(grouped(perTx), max(rows, perTx), perTx)})
	}
	return p
}

func partitionsPart(rows int64) part {
	p := part{name: "partitions", title: "Partitions of the topic", axis: "partitions"}
	for _, n := range []int32{1, 4, 12, 100, 1_000} {
		w := usual(grouped(int64(n)), rows, usualPerTx)
		w.partitions = n
		p.cases = append(p.cases, benchCase{workload: w})
	}
	return p
}

func topicsPart(rows int64) part {
	p := part{name: "topics", title: "Topics, with 4 partitions each", axis: "topics"}
	for _, n := range []int{1, 10, 100} {
		w := usual(grouped(int64(n)), rows, usualPerTx)
		w.topics = n
		p.cases = append(p.cases, benchCase{workload: w})
	}
	return p
}

// payloadsPart has fewer rows where they are large, so that a case stays below a gigabyte of log.
func payloadsPart(rows int64) part {
	p := part{name: "payloads", title: "Size of the payload", axis: "payload"}
	for _, size := range []struct {
		name  string
		bytes int
		share int64
	}{{"50 B", 50, 1}, {"250 B", 250, 1}, {"2 kB", 2_000, 2}, {"16 kB", 16_000, 8}, {"900 kB", 900_000, 400}} {
		w := usual(size.name, rows/size.share, usualPerTx)
		w.payload = size.bytes
		p.cases = append(p.cases, benchCase{workload: w})
	}
	return p
}

func brokersPart(rows int64) part {
	three := usual("3, min. insync 2", rows, usualPerTx)
	three.replicas = 3
	three.config = map[string]string{"min.insync.replicas": "2"}
	return part{name: "brokers", title: "Brokers, all on the one machine", axis: "brokers", cases: []benchCase{
		{workload: usual("1", rows, usualPerTx)},
		{workload: three, stack: stackSpec{brokers: 3}},
	}}
}

func postgresPart(rows int64) part {
	p := part{name: "postgres", title: "Major versions of Postgres", axis: "Postgres"}
	for _, major := range []int{15, 17, 18} {
		p.cases = append(p.cases, benchCase{workload: usual(fmt.Sprint(major), rows, usualPerTx), stack: stackSpec{major: major}})
	}
	return p
}

// delayPart goes through proxies, of which the case with no delay shows the cost.
func delayPart(rows int64) part {
	p := part{name: "delay", title: "A link with delay, through a proxy", axis: "delay of each direction"}
	p.note = `The proxies run in the benchmark's process and use its cores. A proxy joins the walsender's small messages, so
` + "`pg_recvlogical`" + ` needs fewer reads with a proxy than without. Compare walpost with the line of the same delay.`
	for _, c := range []struct {
		name   string
		access access
	}{
		{"no proxy", access{}},
		{"proxy, 0 ms", access{proxied: true}},
		{"Kafka 1 ms", access{proxied: true, toKafka: time.Millisecond}},
		{"Kafka 10 ms", access{proxied: true, toKafka: 10 * time.Millisecond}},
		{"Postgres 1 ms", access{proxied: true, toPostgres: time.Millisecond}},
		{"Postgres 10 ms", access{proxied: true, toPostgres: 10 * time.Millisecond}},
	} {
		p.cases = append(p.cases, benchCase{workload: usual(c.name, rows, usualPerTx), stack: stackSpec{proxied: true}, access: c.access})
	}
	return p
}

func tlsPart(rows int64) part {
	return part{name: "tls", title: "TLS", axis: "TLS to", cases: []benchCase{
		{workload: usual("nobody", rows, usualPerTx)},
		{workload: usual("Postgres", rows, usualPerTx), stack: stackSpec{tls: true}},
		{workload: usual("both", rows, usualPerTx), stack: stackSpec{tls: true}, access: access{tlsKafka: true}},
	}}
}

func hogPart(rows int64) part {
	return part{
		name: "hog", title: "A program beside it that keeps a core busy", axis: "neighbour",
		note: `The neighbour runs beside everything that is measured, including ` + "`pg_recvlogical`" + `, and is part of "foreign".`,
		cases: []benchCase{
			{workload: usual("none", rows, usualPerTx)},
			{workload: usual("hog", rows, usualPerTx), hog: true},
			{workload: usual("none, 1 row/tx", rows, 1)},
			{workload: usual("hog, 1 row/tx", rows, 1), hog: true},
			{workload: usual("none, 100/s", 0, 1), latency: true},
			{workload: usual("hog, 100/s", 0, 1), latency: true, hog: true},
		},
	}
}

// grouped is a number with its thousands apart.
func grouped(n int64) string {
	const thousand = 1000
	if n < thousand {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", grouped(n/thousand), n%thousand)
}
