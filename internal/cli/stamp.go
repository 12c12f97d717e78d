package cli

import (
	"fmt"

	"github.com/spf13/pflag"
)

// stampFlag is --timestamp of the commands that publish what is old.
type stampFlag struct{ now bool }

func (f *stampFlag) define(flags *pflag.FlagSet) {
	flags.Var(f, "timestamp", "time of the records: `keep` theirs, or now; a record older than its topic's retention.ms is refused")
}

// Set implements pflag.Value.
func (f *stampFlag) Set(text string) error {
	if text != "keep" && text != "now" {
		return fmt.Errorf("want keep or now")
	}
	f.now = text == "now"
	return nil
}

// String implements pflag.Value.
func (f *stampFlag) String() string {
	if f.now {
		return "now"
	}
	return "keep"
}

// Type implements pflag.Value.
func (f *stampFlag) Type() string { return "keep|now" }
