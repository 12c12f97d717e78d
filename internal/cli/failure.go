package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/kafka"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/status"
)

// failure is the end of a command with a code of its own. Without an error the
// reason has been written already.
type failure struct {
	code int
	err  error
}

func (f *failure) Error() string {
	if f.err == nil {
		return fmt.Sprintf("exit code %d", f.code)
	}
	return f.err.Error()
}

func (f *failure) Unwrap() error { return f.err }

// ended returns the error for a code; nil for 0.
func ended(code int) error {
	if code == status.ExitStopped {
		return nil
	}
	return &failure{code: code}
}

func usage(format string, args ...any) error {
	return &failure{code: status.ExitUsage, err: fmt.Errorf(format, args...)}
}

func requirement(format string, args ...any) error {
	return &failure{code: status.ExitRequirement, err: fmt.Errorf(format, args...)}
}

// action makes a RunE of a command's body. What the body returns without a code
// gets the one it stands for, so that an error without a code can only be
// cobra's: a wrong command line.
func action(body func(cmd *cobra.Command) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, _ []string) error {
		err := body(cmd)
		if _, ok := errors.AsType[*failure](err); ok || err == nil {
			return err
		}
		return &failure{code: codeOf(err), err: err}
	}
}

// codeOf is the exit code of an error.
func codeOf(err error) int {
	if _, ok := errors.AsType[config.Errors](err); ok {
		return status.ExitUsage
	}
	if e, ok := errors.AsType[*postgres.Error](err); ok && e.Kind != postgres.Unexpected && e.Kind != postgres.Canceled {
		return status.ExitRequirement
	}
	if _, ok := errors.AsType[*kafka.Error](err); ok {
		return status.ExitRequirement
	}
	return status.ExitCode(err)
}

// report writes what a command ended with and gives the exit code. Faults of the
// configuration come as they are, one per line, for editors to jump to.
func report(out *printer, err error) int {
	if err == nil {
		return status.ExitStopped
	}
	code := status.ExitUsage
	f, ok := errors.AsType[*failure](err)
	if ok {
		code, err = f.code, f.err
	}
	if err != nil {
		out.failure(err, ok) // an error of writing there is nobody to tell of
	}
	return code
}

// failure writes an error. Faults of the configuration and of the command line are
// lines of our own, as are errors that were joined; another one is one line.
func (p *printer) failure(err error, ours bool) {
	if _, ok := errors.AsType[config.Errors](err); ok {
		p.line("%s", lines(err.Error()))
		return
	}
	if !ours { // cobra's
		p.line("walpost: %s", lines(err.Error()))
		return
	}
	prefix := "walpost: "
	for _, one := range apart(err) {
		p.line("%s%s", prefix, one)
		prefix = ""
	}
}

// apart returns the errors that errors.Join has joined.
func apart(err error) []error {
	list, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	if err.Error() != errors.Join(list.Unwrap()...).Error() { // it has words of its own
		return []error{err}
	}
	var all []error
	for _, one := range list.Unwrap() {
		all = append(all, apart(one)...)
	}
	return all
}
