package toolong_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/pkg/inbox"
	"github.com/walpost/walpost/pkg/projection"
)

var stack devstacktest.Stack

func TestMain(m *testing.M) {
	sarama.MaxResponseSize = 1 << 20
	os.Exit(stack.Main(m))
}

// A batch that no answer may hold ends Run with its place and the limit: reading it again
// would not help.
func TestBatchThatNoAnswerMayHold(t *testing.T) {
	t.Parallel()
	topic := stack.Name(t)
	k := stack.Kafka(t)
	if err := k.CreateTopic(t.Context(), topic, 1, 1, map[string]string{"max.message.bytes": "4000000"}); err != nil {
		t.Fatal(err)
	}
	client, err := k.Client()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	client.Config().Producer.MaxMessageBytes = 4 << 20
	client.Config().Producer.Return.Successes = true
	producer, err := sarama.NewSyncProducerFromClient(client)
	if err != nil {
		t.Fatal(err)
	}
	large := &sarama.ProducerMessage{Topic: topic, Value: sarama.ByteEncoder(make([]byte, 2<<20)), Headers: []sarama.RecordHeader{
		{Key: []byte("id"), Value: []byte("1")},
	}}
	if _, _, err := producer.SendMessage(large); err != nil {
		t.Fatal(err)
	}
	db := devstacktest.OpenSQL(t, stack.Database(t).URL)
	for _, ddl := range []func(string) (string, error){inbox.DDL, projection.DDL} {
		statement, err := ddl("")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	for name, run := range map[string]func(context.Context) error{
		"consumer": func(ctx context.Context) error {
			c, err := inbox.New(inbox.Config{
				Brokers: k.Bootstrap(devstack.Plaintext), Group: topic, Topics: []string{topic}, OnReject: inbox.StopConsumer,
			}, inbox.SQL(db), func(context.Context, *sql.Tx, *inbox.Event) error { return nil })
			return errors.Join(err, c.Run(ctx))
		},
		"projection": func(ctx context.Context) error {
			p, err := projection.New(projection.Config{Brokers: k.Bootstrap(devstack.Plaintext), Name: "orders", Topics: []string{topic}},
				projection.SQL(db), func(context.Context, *sql.Tx, *projection.Event) error { return nil })
			return errors.Join(err, p.Run(ctx))
		},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		err := run(ctx)
		cancel()
		if err == nil || !strings.Contains(err.Error(), "has a batch of more than 1 MiB: raise sarama.MaxResponseSize") ||
			!strings.Contains(err.Error(), topic+"/0") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
