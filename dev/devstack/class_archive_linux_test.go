package devstack_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
)

func TestBrokersMapTheArchiveOfClasses(t *testing.T) {
	k := devstacktest.StartKafka(t, devstack.KafkaOptions{})
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", k.Broker(1).PID()))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(maps), "/kafka.jsa\n") {
		t.Errorf("the broker has not mapped kafka.jsa:\n%s", maps)
	}
}
