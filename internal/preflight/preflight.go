// Package preflight answers whether walpost could run: what is asked of Postgres and
// of Kafka, requirement by requirement, and what repairs each.
package preflight

import (
	"fmt"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/postgres/provision"
)

// State is how a requirement is met.
type State int

// The states, as `check` prints them.
const (
	OK State = iota
	Warning
	Failed
)

// String returns the word that `check` prints.
func (s State) String() string {
	switch s {
	case OK:
		return "ok"
	case Warning:
		return "warning"
	default:
		return "failed"
	}
}

// MarshalText returns the same word, for JSON.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// startsAnyway is the Exit of what `run` logs, and starts all the same.
const startsAnyway = 0

// Requirement is one line of `check`.
type Requirement struct {
	Name   string `json:"name"`
	State  State  `json:"state"`
	Detail string `json:"detail"`
	Fix    string `json:"fix,omitempty"` // the SQL or command to type; "" when there is nothing to do

	// Exit is the code the start of `run` ends with when this is failed: 3, 4, or
	// 0 when `run` starts all the same and logs it.
	Exit int `json:"-"`
}

// Text returns the requirement as one text for people: what it is, how it is, and how
// to fix it.
func (r Requirement) Text() string {
	text := r.Name + ": " + r.Detail
	if r.Fix != "" {
		text += "; fix: " + r.Fix
	}
	return text
}

// PostgresExpectations is what the configuration asks of the database.
type PostgresExpectations struct {
	Columns catalog.OutboxColumns
	// CheckColumns checks the columns' types; nil: only whether they are there.
	// With an existing slot its faults do not stop `run`, which checks the rows it
	// reads instead.
	CheckColumns func(*pgoutput.Relation) []Requirement
	Prune        *provision.Pruning // outbox.prune; nil: nothing is deleted
	AnyWriter    bool               // outbox.writers: any
	Create       bool               // postgres.create
	Failover     bool               // postgres.failover
	TLS          postgres.TLSMode
	Hosts        postgres.Hosts // of postgres.url
}

// Postgres checks an inspection, and returns every requirement, met or not, in the order
// in which an operator would fix them.
func Postgres(i *catalog.Inspection, want PostgresExpectations) []Requirement {
	if i.Server.InRecovery { // slot, publication and table are the primary's to check
		return []Requirement{versionRequirement(i), primaryRequirement(i), tlsRequirement(want.TLS)}
	}
	list := []Requirement{versionRequirement(i), primaryRequirement(i)}
	list = append(append(list, HostsRequirements(want.Hosts)...), walLevelRequirement(i))
	for _, q := range []struct {
		question string
		check    func(*catalog.Inspection) Requirement
	}{
		{catalog.QuestionRole, roleRequirement},
		{catalog.QuestionSenders, sendersRequirement},
		{catalog.QuestionSlots, slotsLeftRequirement},
	} {
		if i.Knows(q.question) {
			list = append(list, q.check(i))
		}
	}
	list = append(list, encodingRequirement(i), tlsRequirement(want.TLS))
	if i.Knows(catalog.QuestionPrepared) {
		list = append(list, preparedRequirement(i))
	}
	list = append(list, refusedRequirements(i)...)
	if !i.Names.Table.IsZero() && i.Knows(catalog.QuestionTable) {
		list = append(list, tableRequirement(i, want))
	}
	if i.Writers != nil {
		list = append(list, WritersRequirement(i.Writers, want.AnyWriter, i.Server.Database))
	}
	if i.Table != nil {
		if len(i.Table.Outside) > 0 {
			list = append(list, OutsideRequirement(i.Names.Table, i.Table.Outside))
		}
		list = append(list, columnRequirements(i, want)...)
		list = append(list, idRequirements(i, want)...)
		list = append(list, PruneRequirements(i, want.Prune)...)
	}
	if !i.Knows(catalog.QuestionTable) || !i.Knows(catalog.QuestionPublication) || !i.Knows(catalog.QuestionSlot) {
		return list // what the role may not see is not missing
	}
	list = append(list, publicationRequirement(i, want))
	if i.Publication != nil && i.Table != nil {
		list = append(list, publishedRequirements(i, want)...)
	}
	return append(list, slotRequirements(i, want)...)
}

func passed(name, detail string, args ...any) Requirement {
	return Requirement{Name: name, State: OK, Detail: fmt.Sprintf(detail, args...)}
}

func warn(name, fix, detail string, args ...any) Requirement {
	return Requirement{Name: name, State: Warning, Detail: fmt.Sprintf(detail, args...), Fix: fix}
}

func failure(exit int, name, fix, detail string, args ...any) Requirement {
	return Requirement{Name: name, State: Failed, Detail: fmt.Sprintf(detail, args...), Fix: fix, Exit: exit}
}
