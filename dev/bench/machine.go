package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
)

// machine is what the figures were measured on.
type machine struct {
	Cores       int    `json:"cores"`
	CPU         string `json:"cpu"`
	Kernel      string `json:"kernel"`
	Congestion  string `json:"tcp_congestion_control"`
	LoadAverage string `json:"load_average_at_start"`
	Go          string `json:"go_of_bench"`
	Walpost     string `json:"walpost"`
	Postgres    string `json:"postgres"`
	Kafka       string `json:"kafka"`
	Libraries   string `json:"libraries"` // of the relay with sarama
}

// settings are what the figures depend on.
type settings struct {
	Rows        int64             `json:"rows"`
	Warm        int64             `json:"warm_records"`
	Partitions  int               `json:"partitions"`
	Payload     string            `json:"payload"`
	Candidates  []using           `json:"relays"`
	Postgres    map[string]string `json:"postgres_settings"`
	BrokerHeap  int               `json:"broker_heap_mib"`
	Repetitions int               `json:"repetitions"`
}

// using is a relay and what it runs with.
type using struct {
	Name     string `json:"name"`
	Settings string `json:"settings"`
}

func (b *bench) machine(ctx context.Context) machine {
	m := machine{
		Cores: runtime.NumCPU(), CPU: cpuModel(), Kernel: firstLine("/proc/sys/kernel/osrelease"),
		Congestion: firstLine("/proc/sys/net/ipv4/tcp_congestion_control"), LoadAverage: firstLine("/proc/loadavg"),
		Go: runtime.Version(), Kafka: b.kafkaVersion(), Libraries: libraries(),
	}
	if out, err := exec.CommandContext(ctx, b.walpost, "version").Output(); err == nil { //nolint:gosec // the program under measurement
		m.Walpost = strings.Join(strings.Fields(string(out)), " ")
	}
	if err := b.conn.QueryRow(ctx, `SHOW server_version`).Scan(&m.Postgres); err != nil {
		m.Postgres = err.Error()
	}
	return m
}

func (b *bench) settings(relays []candidate) settings {
	all := postgresSettings()
	all["fsync"] = "off" // devstack's default
	all["synchronous_commit"] = "on, but off for the fill"
	used := make([]using, 0, len(relays))
	for _, c := range relays {
		used = append(used, using{c.name, c.settings})
	}
	return settings{
		Rows: b.rows, Warm: b.warm, Partitions: usualPartitions, Payload: "250 bytes of jsonb, 10007 keys", Candidates: used, Postgres: all,
		BrokerHeap: brokerHeap, Repetitions: b.repetitions,
	}
}

// kafkaVersion is the version in the name of the broker's jar on its command line's class path.
func (b *bench) kafkaVersion() string {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", b.kafka.Brokers()[0].PID()))
	if err != nil {
		return "unknown"
	}
	for arg := range strings.SplitSeq(string(data), "\x00") {
		if dir, ok := strings.CutSuffix(arg, "/*"); ok {
			return dir[strings.LastIndexByte(dir, '/')+1:]
		}
	}
	return "unknown"
}

// libraries are the versions of what the relay with sarama is made of.
func libraries() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	var found []string
	for _, m := range info.Deps {
		if m.Path == "github.com/IBM/sarama" || m.Path == "github.com/jackc/pglogrepl" {
			found = append(found, m.Path[strings.LastIndexByte(m.Path, '/')+1:]+" "+m.Version)
		}
	}
	return strings.Join(found, ", ")
}

func cpuModel() string {
	data, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(data)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

func firstLine(path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return "unknown"
	}
	line, _, _ := strings.Cut(string(data), "\n")
	return line
}
