package inbox_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/walpost/walpost/pkg/inbox"
)

func TestClassify(t *testing.T) {
	t.Parallel()
	state := func(code string) error { return fmt.Errorf("query: %w", stateError(code)) }
	for want, all := range map[inbox.Class][]error{
		inbox.ClassPermanent: {state("22P02"), state("23505"), state("23514"), &inbox.PanicError{Value: 1}, inbox.ErrUndecodable},
		inbox.ClassTransient: {
			state("40001"), state("40P01"), state("55P03"), state("57014"), state("23503"), state("25P02"), &net.OpError{Err: io.EOF},
			io.ErrUnexpectedEOF, context.DeadlineExceeded,
		},
		inbox.ClassUnavailable: {
			state("08006"), state("57P01"), state("57P03"), state("53300"), state("25006"), state("58030"), driver.ErrBadConn,
		},
		inbox.ClassFatal:   {state("42P01"), state("42501"), state("28P01"), state("3D000")},
		inbox.Unclassified: {errors.New("else"), state("P0001"), state("")},
	} {
		for _, err := range all {
			if got := inbox.Classify(err); got != want {
				t.Errorf("%v: %v, want %v", err, got, want)
			}
		}
	}
}

func TestMarksReadLikeTheError(t *testing.T) {
	t.Parallel()
	for _, mark := range []func(error) error{inbox.Transient, inbox.Permanent, inbox.Unavailable, inbox.Fatal} {
		if err := mark(io.EOF); !errors.Is(err, io.EOF) || err.Error() != io.EOF.Error() || mark(nil) != nil {
			t.Errorf("%v", err)
		}
	}
}
