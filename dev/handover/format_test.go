//go:build faults

package handover_test

import "github.com/walpost/walpost/internal/config/configtest"

const (
	stringConverter = "org.apache.kafka.connect.storage.StringConverter"
)

// format is how a connector writes key and value, and what walpost's configuration has for it.
type format struct {
	name      string
	connector map[string]string
	walpost   configtest.Keys
}

func formats() []format {
	return []format{
		{name: "text", connector: map[string]string{"key.converter": stringConverter, "value.converter": stringConverter}},
	}
}
