package kafka_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/walpost/walpost/internal/kafka"
	"github.com/walpost/walpost/internal/kafka/kafkatest"
	"github.com/walpost/walpost/internal/preflight"
)

// serverFirst answers the client's first message of an exchange (RFC 5802).
func serverFirst(clientFirst string, iterations int) string {
	_, nonce, _ := strings.Cut(clientFirst, ",r=")
	return fmt.Sprintf("r=%sserver,s=%s,i=%d", nonce, base64.StdEncoding.EncodeToString([]byte("0123456789abcdef")), iterations)
}

// A broker may have the password hashed a million times, and no more: nothing could stop
// the hashing, not even the end of the connection.
func TestRow133_SCRAMIterations(t *testing.T) {
	t.Parallel()
	for _, mechanism := range []string{kafka.ScramSHA256, kafka.ScramSHA512} {
		config := kafkatest.Must(kafka.Options{Brokers: []string{"a:1"}, SASL: kafkatest.SASL(mechanism, "u", kafkatest.Canary)}.Fresh())
		for iterations, refused := range map[int]bool{
			4095: true, 4096: false, 16384: false, 1_000_000: false, 1_000_001: true, 2_147_483_647: true,
		} {
			client := config.Net.SASL.SCRAMClientGeneratorFunc()
			if err := client.Begin("u", config.Net.SASL.Password, ""); err != nil {
				t.Fatal(err)
			}
			answer, err := client.Step(serverFirst(kafkatest.Must(client.Step("")), iterations))
			if (err != nil) != refused || (!refused && !strings.Contains(answer, ",p=")) {
				t.Errorf("%s, %d iterations: %q, %v", mechanism, iterations, answer, err)
			}
		}
	}
}

// Whole: what is said of such a broker, and that it costs nothing.
func TestRow133_BrokerThatBurnsCPU(t *testing.T) {
	t.Parallel()
	fake := kafkatest.Must(kfake.NewCluster(kfake.NumBrokers(1), kfake.EnableSASL(),
		kfake.Superuser(kafka.ScramSHA512, "walpost", kafkatest.Canary)))
	t.Cleanup(fake.Close)
	o := kafka.Options{Brokers: fake.ListenAddrs(), SASL: kafkatest.SASL(kafka.ScramSHA512, "walpost", kafkatest.Canary)}
	kafkatest.Connect(t, o)

	fake.ControlKey(int16(kmsg.SASLAuthenticate), func(req kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		res := req.ResponseKind().(*kmsg.SASLAuthenticateResponse)
		res.SASLAuthBytes = []byte(serverFirst(string(req.(*kmsg.SASLAuthenticateRequest).SASLAuthBytes), 2_147_483_647))
		return res, nil, true
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err := kafka.Connect(ctx, o)
	kafkatest.WantError(t, err, kafka.SASLIterations, "2147483647 SCRAM iterations", "at most 1000000", "kafka.brokers")
	if ctx.Err() != nil {
		t.Error("it took a minute")
	}
	if list := preflight.Kafka(t.Context(), o, preflight.KafkaExpectations{}); list[0].State != preflight.Failed ||
		!strings.Contains(list[0].Detail, "2147483647") {
		t.Errorf("%+v", list[0])
	}
	if again := o.Explain("list topics", sarama.Wrap(sarama.ErrOutOfBrokers, err)); !strings.Contains(again.Error(), "2147483647") {
		t.Error(again)
	}
}
