package cli

import (
	"errors"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/walpost/walpost/internal/connector"
	"github.com/walpost/walpost/internal/connector/source"
	"github.com/walpost/walpost/internal/status"
)

// exitNotCarried is the code of `import` if an option is not carried over.
const exitNotCarried = 6

// importFlags are the flags of import.
type importFlags struct{ output, worker, connector string }

func newImport(s *streams) *cobra.Command {
	var f importFlags
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Write a configuration from that of a Debezium connector with the outbox event router",
		Long: `Read the configuration of a Debezium connector with the outbox event router, and write the
YAML file with which walpost writes the same records from the same slot. FILE is what Kafka
Connect's REST interface takes or answers (JSON), the properties of a standalone connector or
of Debezium Server, or a KafkaConnector of Strimzi (YAML); - is standard input.

Standard error says of each option that the file does not name what became of it, and the
steps of the hand-over, both ways. Secrets are not copied: they become references.

Exit codes: 0 everything is carried over, 6 some of it is not, 2 this is no such connector.`,
		Example: `  curl -s http://connect:8083/connectors/orders | walpost import - -o orders.yaml
  walpost import connector.json --worker connect-distributed.properties > orders.yaml
  walpost import application.properties -o orders.yaml`,
		Args: cobra.MaximumNArgs(1),
	}
	flags := cmd.Flags()
	flags.StringVarP(&f.output, "output", "o", "", "`file` to write, which must not exist; standard output without it")
	flags.StringVar(&f.worker, "worker", "", "properties `file` of the Connect worker: its brokers, producer and converters hold too")
	flags.StringVar(&f.connector, "connector", "", "`name` of the connector, where FILE has several")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return action(func(*cobra.Command) error {
			if len(args) == 0 {
				return usage("%s needs the configuration of a connector: FILE, or - for standard input", cmd.CommandPath())
			}
			return importConnector(s, args[0], f)
		})(cmd, args)
	}
	return cmd
}

func importConnector(s *streams, file string, f importFlags) error {
	in, err := importInput(s, file, f)
	if err != nil {
		return err
	}
	result, err := connector.Import(in)
	if err != nil {
		return &failure{code: status.ExitUsage, err: err}
	}
	if err := writeImported(s, f.output, result.YAML); err != nil {
		return err
	}
	if err := printImported(newPrinter(s.err), result, f.output); err != nil {
		return err
	}
	if len(result.Lost) > 0 {
		return ended(exitNotCarried)
	}
	return nil
}

// importInput reads the files that the command line names.
func importInput(s *streams, file string, f importFlags) (source.Input, error) {
	in := source.Input{File: file, Name: f.connector}
	var err error
	if file == "-" {
		in.File = "standard input"
		in.Data, err = io.ReadAll(s.in)
	} else {
		in.Data, err = os.ReadFile(file)
	}
	if err == nil && f.worker != "" {
		in.Worker, err = os.ReadFile(f.worker)
	}
	if err != nil {
		return in, usage("%w", err)
	}
	return in, nil
}

// writeImported writes the configuration, over no file that is there.
func writeImported(s *streams, output string, yaml []byte) error {
	if output == "" {
		_, err := s.out.Write(yaml)
		return err
	}
	file, err := os.OpenFile(output, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // it has no secret
	if errors.Is(err, os.ErrExist) {
		return usage("%s is there already: remove it, or name another file", output)
	}
	if err != nil {
		return usage("%w", err)
	}
	_, err = file.Write(yaml)
	return errors.Join(err, file.Close())
}

// printImported says what became of the options, and how to hand over.
func printImported(p *printer, r *connector.Result, output string) error {
	if output == "" {
		output = "FILE"
	}
	for _, group := range []struct {
		title string
		style style
		notes []connector.Note
	}{
		{"Not carried over:", styleError, r.Lost},
		{"Look at:", styleWarning, r.Look},
		{"Needs no key of walpost:", styleDim, r.Needless},
	} {
		if len(group.notes) == 0 {
			continue
		}
		p.line("%s", p.paint(group.style, group.title))
		for _, n := range group.notes {
			p.line("  %s: %s", p.paint(styleBold, n.Option), n.Text)
		}
	}
	there, back := r.Steps(output)
	printSteps(p, "From the connector to walpost:", there)
	printSteps(p, "And back:", back)
	p.line("What differs for every connector: docs/debezium.md")
	return p.err
}

func printSteps(p *printer, title string, steps []string) {
	p.line("%s", p.paint(styleBold, title))
	for i, step := range steps {
		p.line("  %d. %s", i+1, step)
	}
}
