//go:build faults

package handover_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
)

// worker is a standalone worker of Kafka Connect. After its end it may start again, with the offsets of before.
type worker struct {
	*devstacktest.Process

	command []string
	rest    string // URL of its REST interface
	offsets string // file
}

// newWorker writes the files of a worker that runs the connectors of these outboxes.
func newWorker(t *testing.T, outboxes []*outbox) *worker {
	t.Helper()
	devstacktest.SkipShort(t, "Kafka Connect")
	found, err := devstack.FindDebezium(t.Context(), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	listen, release, err := devstack.FreeAddress(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	set := &devstack.ConnectWorker{
		Dir: t.TempDir(), Name: "worker",
		JVM:      []string{"-Xms64m", "-Xmx768m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dlog4j2.level=WARN"},
		Settings: patient(stack.Kafka(t).Bootstrap(devstack.Plaintext), "http://"+listen),
	}
	for _, o := range outboxes {
		set.Connectors = append(set.Connectors, o.connector)
	}
	w := &worker{rest: "http://" + listen, offsets: set.OffsetFile()}
	if w.command, err = found.Command(set); err != nil {
		t.Fatal(err)
	}
	return w
}

// patient are the settings of a worker that starts soon, and does on a slow machine what it does on others: there it would
// give up a stop in order after 5 s, and send a batch twice when its broker does not answer in 30 s.
func patient(brokers []string, listen string) map[string]string {
	const ms = "180000"
	return map[string]string{
		"bootstrap.servers": strings.Join(brokers, ","), "listeners": listen, "plugin.discovery": "service_load",
		"offset.flush.interval.ms": "2000", "offset.flush.timeout.ms": ms, "task.shutdown.graceful.timeout.ms": ms,
		"producer.enable.idempotence": "true",
	}
}

// start starts the worker, and returns when its connectors stream.
func (w *worker) start(t *testing.T, outboxes []*outbox) {
	t.Helper()
	w.Process = devstacktest.Start(t, exec.CommandContext(t.Context(), w.command[0], w.command[1:]...))
	t.Cleanup(func() {
		if t.Failed() {
			for _, o := range outboxes {
				t.Logf("connector %s: %s", o.name, w.status(o))
			}
		}
	})
	for _, o := range outboxes {
		w.streams(t, o)
	}
}

// Kill is kill -9 when there are offsets. Their file is put back as it was when it was last whole: Kafka Connect empties it
// before it writes, takes half a file for none, and a connector without offsets publishes the whole table again.
func (w *worker) Kill(t *testing.T) {
	t.Helper()
	var whole []byte
	w.Until(t, "offsets", func() (is bool) {
		whole, is = w.savedOffsets()
		return is
	})
	w.Process.Kill(t)
	if err := os.WriteFile(w.offsets, whole, 0o600); err != nil {
		t.Fatal(err)
	}
}

// savedOffsets reads the file of a serialized map, whose last value is an object in JSON.
func (w *worker) savedOffsets() (content []byte, whole bool) {
	content, err := os.ReadFile(w.offsets)
	const end = "}x" // TC_ENDBLOCKDATA
	return content, err == nil && bytes.HasSuffix(content, []byte(end))
}

// streams waits until a connector reads its slot: while it creates the slot, that is active too.
func (w *worker) streams(t *testing.T, o *outbox) {
	t.Helper()
	w.Until(t, "the connector to stream", func() bool {
		return devstacktest.Value[bool](t, o.db.Conn, `SELECT EXISTS (SELECT FROM pg_replication_slots s
			JOIN pg_stat_replication r ON r.pid = s.active_pid WHERE s.slot_name = $1 AND r.state IN ('catchup', 'streaming'))`, o.slot)
	})
}

// rest gives up a worker that does not answer, so that its log is shown.
var rest = &http.Client{Timeout: 2 * devstacktest.Patience}

// stop is what an operator does: PUT /connectors/NAME/stop. It returns when the connector has no tasks and its slot is free.
func (w *worker) stop(t *testing.T, o *outbox) {
	t.Helper()
	w.put(t, o, "stop")
	w.Until(t, "the connector to be stopped", func() bool {
		s := w.status(o)
		return s.Connector.State == "STOPPED" && len(s.Tasks) == 0
	})
	o.released(t)
}

// resume is PUT /connectors/NAME/resume. It returns when the connector streams.
func (w *worker) resume(t *testing.T, o *outbox) {
	t.Helper()
	w.put(t, o, "resume")
	w.streams(t, o)
}

func (w *worker) put(t *testing.T, o *outbox, verb string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, w.rest+"/connectors/"+o.name+"/"+verb, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := rest.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if text, _ := io.ReadAll(resp.Body); resp.StatusCode/100 != 2 {
		t.Fatalf("%s of %s: %s: %s", verb, o.name, resp.Status, text)
	}
}

// connectorStatus is the answer to GET /connectors/NAME/status.
type connectorStatus struct {
	Connector taskStatus   `json:"connector"`
	Tasks     []taskStatus `json:"tasks"`

	err error // of the request
}

type taskStatus struct {
	State string `json:"state"`
	Trace string `json:"trace"`
}

func (s connectorStatus) String() string {
	return fmt.Sprintf("%+v %+v %v", s.Connector, s.Tasks, s.err)
}

func (w *worker) status(o *outbox) (s connectorStatus) {
	resp, err := rest.Get(w.rest + "/connectors/" + o.name + "/status")
	if err != nil {
		return connectorStatus{err: err}
	}
	defer func() { _ = resp.Body.Close() }()
	s.err = json.NewDecoder(resp.Body).Decode(&s)
	return s
}
