package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/relay/relaytest"
)

// memoryLimit is for the binary as it is shipped, without the race detector. Memory that
// grows with what waits would exceed it. The benchmark measures on a quiet machine.
const memoryLimit = 96 << 20

// Neither the size of a transaction nor a backlog behind a Kafka that is away
// shows in the memory of the process.
func TestMemoryIsFlat(t *testing.T) {
	t.Parallel()
	k := devstacktest.StartKafka(t, devstack.KafkaOptions{})
	h := with(t, relaytest.Options{Kafka: k})
	p := launch(t, build(t), "run", "-c", h.Config.File)
	p.Ready(t)

	h.Exec(t, numbered(1, 100_000, 250))
	h.confirmed(t, p)
	p.under(t, "a transaction of 100,000 rows")

	if err := k.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		h.Exec(t, numbered(100_001+i*500, 500, 1000))
	}
	p.Until(t, "reading to pause", func() bool { return p.metric(t, "walpost_in_flight_bytes{") > 15<<20 })
	p.Until(t, "the state to be told", func() bool {
		code, body := p.Get(t, "/readyz")
		return code == 503 && strings.Contains(body, "kafka_unavailable")
	})
	p.under(t, "a backlog of 50 MB without Kafka")
	if err := k.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.confirmed(t, p)
	p.under(t, "working the backlog off")
	p.Ready(t)
	if r := h.compare(t); r.Repeats != 0 {
		t.Errorf("%v", r)
	}
	p.Terminate(t)
	p.Exits(t, 0)
}

// numbered inserts n events of 100 keys in one transaction.
func numbered(from, n, size int) string {
	return fmt.Sprintf(`INSERT INTO outbox (aggregatetype, aggregateid, type, payload)
		SELECT 'order', 'k' || i %% 100, 'Created', jsonb_build_object('n', i, 'pad', repeat('x', %d))
		FROM generate_series(%d, %d) i`, size, from, from+n-1)
}

// build creates the binary, without the race detector.
func build(t *testing.T) string {
	t.Helper()
	devstacktest.SkipShort(t, "a binary that is built")
	binary := filepath.Join(t.TempDir(), "walpost")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-race=false", "-o", binary, "../../cmd/walpost")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return binary
}

// under checks the largest resident memory that the process ever had.
func (p *process) under(t *testing.T, after string) {
	t.Helper()
	peak := p.peak(t)
	t.Logf("%d MiB after %s", peak>>20, after)
	if peak > memoryLimit {
		t.Errorf("%d MiB after %s, the limit is %d", peak>>20, after, memoryLimit>>20)
	}
}

// peak is the largest resident memory that the process ever had, in bytes.
func (p *process) peak(t *testing.T) int {
	t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(data), "VmHWM:")
	text, _, _ := strings.Cut(rest, " kB")
	kib, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil {
		t.Fatal(err)
	}
	return kib << 10
}

// metric is the value of the first series that begins with a text; -1 while
// there is none.
func (p *process) metric(t *testing.T, series string) float64 {
	t.Helper()
	_, body := p.Get(t, "/metrics")
	for line := range strings.Lines(body) {
		if !strings.HasPrefix(line, series) {
			continue
		}
		v, err := strconv.ParseFloat(strings.TrimSpace(line[strings.LastIndexByte(line, ' '):]), 64)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		return v
	}
	return -1
}
