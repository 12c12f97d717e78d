package topics

import "testing"

func TestSettingsAreComparedAsKafkaReadsThem(t *testing.T) {
	for _, same := range [][2]string{
		{"0.50", "0.5"},
		{"TRUE", "true"},
		{"compact, delete", "delete,compact"},
		{"9223372036854775807", "9223372036854775807"},
		{"", ""},
	} {
		if !sameSetting(same[0], same[1]) {
			t.Errorf("%q and %q are the same", same[0], same[1])
		}
	}
	for _, other := range [][2]string{
		{"9223372036854775807", "9223372036854775806"}, // the same as floats
		{"compact", "compact,delete"},
		{"1", "true"},
		{"", "0"},
	} {
		if sameSetting(other[0], other[1]) {
			t.Errorf("%q and %q are not the same", other[0], other[1])
		}
	}
}
