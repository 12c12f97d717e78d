package kafka_test

import (
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/kafka"
	"github.com/walpost/walpost/internal/kafka/kafkatest"
)

var stack devstacktest.Stack

// saramaLines is what sarama logs in all tests, as walpost writes it.
var saramaLines devstacktest.Output

func TestMain(m *testing.M) {
	encoder := zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig())
	secret := kafka.Options{SASL: kafkatest.SASL(kafka.Plain, "", kafkatest.Canary)}
	kafka.LogTo(zapcore.NewCore(encoder, &saramaLines, zapcore.DebugLevel), secret)
	os.Exit(stack.Main(m))
}

func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
