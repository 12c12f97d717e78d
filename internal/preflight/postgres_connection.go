package preflight

import (
	"context"
	"errors"

	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/status"
)

// UnreadableRequirement is the requirement that an error of Postgres does not meet.
func UnreadableRequirement(name string, err error) Requirement {
	r := Requirement{Name: name, State: Failed, Detail: err.Error()}
	if e, ok := errors.AsType[*postgres.Error](err); ok {
		bare := *e
		bare.Hint = ""
		r.Detail, r.Fix = bare.Error(), e.Hint
		if e.Kind.Answered() {
			r.Exit = status.ExitRequirement
		}
	}
	if r.Fix == "" {
		r.Fix = "is the address in postgres.url right, is Postgres up, and does a firewall let you through?"
	}
	return r
}

// Replication opens the kind of connection that streams: pg_hba.conf and poolers may let
// plain ones through alone.
func Replication(ctx context.Context, target postgres.Target) Requirement {
	const name = "replication connection"
	dial, cancel := context.WithTimeout(ctx, postgres.ConnectTimeout)
	defer cancel()
	session, err := target.Replication(dial)
	if err != nil {
		return UnreadableRequirement(name, err)
	}
	_ = session.Close(context.WithoutCancel(ctx)) // it was opened to see that it can be
	return passed(name, "can be opened")
}
