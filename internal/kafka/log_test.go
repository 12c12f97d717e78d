package kafka_test

import (
	"strings"
	"testing"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/internal/kafka/kafkatest"
)

// TestMain has installed the logger, for connections whose secret is the kafkatest.Canary.
func TestSaramaLogHidesSecrets(t *testing.T) {
	sarama.Logger.Printf("dial %s failed: %s", "a:9092", kafkatest.Canary)
	sarama.Logger.Println("token=abc123def", "Authorization: Bearer eyJhbGciOi.x")
	sarama.Logger.Print(`{"password": "hunter2"}`)
	log := saramaLines.String()
	for _, secret := range []string{kafkatest.Canary, "abc123def", "eyJhbGciOi.x", "hunter2"} {
		if strings.Contains(log, secret) {
			t.Errorf("%q is shown", secret)
		}
	}
	for _, kept := range []string{"dial a:9092 failed: ***", `"level":"info"`, `"level":"debug"`, `"logger":"sarama"`} {
		if !strings.Contains(log, kept) {
			t.Errorf("%q is missing", kept)
		}
	}
}

// A broker that is away makes sarama say the same again and again.
func TestSaramaLogIsRare(t *testing.T) {
	for range 1000 {
		sarama.Logger.Printf("rare %s line", "once")
		sarama.Logger.Printf("rare other line %d", 1)
	}
	log := saramaLines.String()
	if n := strings.Count(log, "rare once line"); n != 1 {
		t.Errorf("logged %d times, want 1", n)
	}
	if n := strings.Count(log, "rare other line"); n != 1 {
		t.Errorf("another kind is logged %d times, want 1", n)
	}
}
