package kafka_test

import (
	"strings"
	"testing"

	"github.com/IBM/sarama"
)

// TestMain has installed the logger, for connections whose secret is the canary.
func TestSaramaLogHidesSecrets(t *testing.T) {
	sarama.Logger.Printf("dial %s failed: %s", "a:9092", canary)
	sarama.Logger.Println("token=abc123def", "Authorization: Bearer eyJhbGciOi.x")
	sarama.Logger.Print(`{"password": "hunter2"}`)
	log := saramaLines.String()
	for _, secret := range []string{canary, "abc123def", "eyJhbGciOi.x", "hunter2"} {
		if strings.Contains(log, secret) {
			t.Errorf("%q is shown", secret)
		}
	}
	for _, kept := range []string{"dial a:9092 failed: ***", `"level":"debug"`, `"logger":"sarama"`} {
		if !strings.Contains(log, kept) {
			t.Errorf("%q is missing", kept)
		}
	}
}
