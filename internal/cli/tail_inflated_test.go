package cli_test

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
)

// A batch of some kilobytes that is hundreds of megabytes when it is decompressed ends each
// command that reads with its topic, partition and offset.
func TestInflatedBatchEndsCommandsWithItsPlace(t *testing.T) {
	t.Parallel()
	s := newSetup(t, nil)
	topic := s.prefix + ".a"
	k := stack.Kafka(t)
	for name, partitions := range map[string]int32{topic: 1, s.prefix + ".b": 2, s.prefix + ".dead": 1} {
		if err := k.CreateTopic(t.Context(), name, partitions, 1, nil); err != nil {
			t.Fatal(err)
		}
	}
	walpost(t, "init", "-c", s.file).want(t, 0)
	s.db.Exec(t, insert("a", "k", 1), insert("b", "k", 1))
	client, err := kgo.NewClient(kgo.SeedBrokers(k.Bootstrap(devstack.Plaintext)...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for range 3 {
		record := &kgo.Record{Topic: topic, Key: []byte("k"), Value: []byte("before")}
		if err := client.ProduceSync(t.Context(), record).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	devstacktest.Inflate(t, k, topic, 14)
	dead := &kgo.Record{Topic: s.prefix + ".dead", Key: []byte("k"), Headers: []kgo.RecordHeader{
		{Key: "id", Value: []byte("1")}, {Key: "walpost-dlt-topic", Value: []byte(s.prefix + ".b")},
	}}
	if err := client.ProduceSync(t.Context(), dead).FirstErr(); err != nil {
		t.Fatal(err)
	}

	const place = "offset 3 cannot be read: they are one compressed batch of more than 128 MiB"
	for _, args := range [][]string{
		{"tail", "--topic", topic, "--topic", s.prefix + ".b", "--from-beginning", "-n", "5"},
		{"audit", "--topic", topic, "--wait", "1s"},
		{"replay", "--topic", topic, "--from-offset", "0", "--to-topic", s.prefix + ".b", "--yes"},
		{"dlt", "list", "--dead-letter", topic, "--dead-letter", s.prefix + ".dead"},
		{"dlt", "redrive", "--dead-letter", topic, "--dead-letter", s.prefix + ".dead", "--yes"},
	} {
		r := walpost(t, append(args, "-c", s.file)...)
		if r.code == 0 || !strings.Contains(r.err, place) || !strings.Contains(r.err, topic) ||
			!strings.Contains(r.err, topic+"/0") && !strings.Contains(r.err, "partition 0") {
			t.Errorf("%s: exit code %d\nstdout: %s\nstderr: %s", args[0], r.code, r.out, r.err)
		}
		if args[0] == "tail" && strings.Count(r.out, "value=<6 bytes>") != 3 {
			t.Errorf("tail does not show the records before it: %s", r.out)
		}
		if args[0] == "dlt" && !strings.Contains(r.out, "for="+s.prefix+".b ") {
			t.Errorf("%q does not go on with the next topic: %s", args, r.out)
		}
		if args[1] == "redrive" && !strings.Contains(r.out, "1 put back to "+s.prefix+".b") {
			t.Errorf("redrive puts back nothing: %s", r.out)
		}
	}
}
