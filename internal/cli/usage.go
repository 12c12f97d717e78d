package cli

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
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
	best, least := "", max(1, len(wrong.GetSpecifiedName())/2)+1
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if d := distance(wrong.GetSpecifiedName(), f.Name); d < least && !f.Hidden {
			best, least = f.Name, d
		}
	})
	if best == "" || len(wrong.GetSpecifiedName()) < 2 {
		return usage("%w%s", err, see)
	}
	return usage("%w; did you mean --%s?%s", err, best, see)
}

// distance is how many letters must be put in, taken out or replaced to make b
// of a (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}
