package cli

import (
	"context"

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

// onFiles makes a RunE that does a body's work on the files until it ends or is
// interrupted.
func onFiles(load func() ([]*config.Config, error), body func(context.Context, []*config.Config) error) func(*cobra.Command,
	[]string) error {
	return action(func(cmd *cobra.Command) error {
		cfgs, err := load()
		if err != nil {
			return err
		}
		ctx, cancel := interruptible(cmd.Context())
		defer cancel()
		return body(ctx, cfgs)
	})
}
