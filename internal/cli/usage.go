package cli

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/walpost/walpost/internal/suggest"
)

// needsCommand is the RunE of a command that only has commands below it: what
// follows it is then no command.
func needsCommand(s *streams) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			cmd.SetOut(s.err)
			if err := cmd.Help(); err != nil {
				return err
			}
			return usage("a command is needed: %s COMMAND", cmd.CommandPath())
		}
		cmd.SuggestionsMinimumDistance = 2
		text := "unknown command %q for %q"
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			text += "; did you mean " + strings.Join(near, " or ") + "?"
		}
		return usage(text+"; see %[2]s --help", args[0], cmd.CommandPath())
	}
}

// flagError adds the nearest flag to an error about an unknown one.
func flagError(cmd *cobra.Command, err error) error {
	see := "; see " + cmd.CommandPath() + " --help"
	wrong, ok := errors.AsType[*pflag.NotExistError](err)
	if !ok {
		return usage("%w%s", err, see)
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, f.Name)
		}
	})
	name := wrong.GetSpecifiedName()
	near := suggest.Nearest(name, names, max(1, len(name)/2))
	if near == "" || len(name) < 2 {
		return usage("%w%s", err, see)
	}
	return usage("%w; did you mean --%s?%s", err, near, see)
}
