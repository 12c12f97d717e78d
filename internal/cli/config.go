package cli

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/walpost/walpost/internal/config"
)

func newConfig(s *streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Show the configuration's schema, or the effective configuration",
		Example: `  walpost config schema > walpost.schema.json
  walpost config print -c orders.yaml`,
		Args: cobra.ArbitraryArgs,
		RunE: needsCommand(s),
	}
	cmd.AddCommand(newConfigSchema(s), newConfigPrint(s))
	return cmd
}

func newConfigSchema(s *streams) *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Show the JSON Schema of the YAML file",
		Example: `  walpost config schema > walpost.schema.json
  # in the first line of the file, for editors:
  # yaml-language-server: $schema=walpost.schema.json`,
		Args: cobra.NoArgs,
		RunE: action(func(*cobra.Command) error {
			schema, err := config.Schema()
			if err != nil {
				return err
			}
			_, err = s.out.Write(schema)
			return err
		}),
	}
}

func newConfigPrint(s *streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "print -c FILE",
		Short:   "Show the effective configuration, with defaults, secrets masked",
		Example: "  walpost config print -c orders.yaml",
		Args:    cobra.NoArgs,
	}
	load := files(cmd)
	cmd.RunE = action(func(*cobra.Command) error {
		cfgs, err := load()
		if err != nil {
			return err
		}
		for i, c := range cfgs {
			if i > 0 {
				if _, err := io.WriteString(s.out, "---\n"); err != nil {
					return err
				}
			}
			if err := config.Print(s.out, c); err != nil {
				return err
			}
		}
		return nil
	})
	return cmd
}
