package cli

import (
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// Set by the linker: see LDFLAGS in the Makefile.
//
//nolint:gochecknoglobals // the linker can set nothing else
var version, commit string

// build is what `version` shows.
type build struct {
	Version   string `json:"version"`
	Commit    string `json:"commit"`
	GoVersion string `json:"go_version"`
}

// thisBuild takes what the linker did not set from what `go build` and `go
// install` leave in the binary.
func thisBuild() build {
	b := build{Version: version, Commit: commit, GoVersion: runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if ok && b.Version == "" {
		b.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && b.Commit == "" {
			b.Commit = s.Value
		}
	}
	if b.Version == "" {
		b.Version = "unknown"
	}
	if b.Commit == "" {
		b.Commit = "unknown"
	}
	return b
}

func newVersion(s *streams) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Show version, commit and Go version",
		Example: "  walpost version\n  walpost version --json | jq -r .version",
		Args:    cobra.NoArgs,
		RunE: action(func(*cobra.Command) error {
			b := thisBuild()
			if asJSON {
				return writeJSON(s.out, b)
			}
			out := newPrinter(s.out)
			out.line("walpost %s, commit %s, %s", b.Version, b.Commit, b.GoVersion)
			return out.err
		}),
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}
