package cli

import (
	"github.com/spf13/cobra"

	"github.com/walpost/walpost/internal/config"
)

// files adds the flag -c. What it gives loads the files when the flags are read:
// every fault of all of them is one error, config.Errors.
func files(cmd *cobra.Command) (load func() ([]*config.Config, error)) {
	var paths []string
	cmd.Flags().StringArrayVarP(&paths, "config", "c", nil, "configuration `file`, or a folder of *.yaml; may be repeated")
	if err := cmd.MarkFlagFilename("config", "yaml", "yml"); err != nil {
		return func() ([]*config.Config, error) { return nil, err }
	}
	return func() ([]*config.Config, error) {
		if len(paths) == 0 {
			return nil, usage("%s needs a configuration: -c FILE", cmd.CommandPath())
		}
		return config.LoadAll(paths)
	}
}
