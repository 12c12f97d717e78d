package preflight

import (
	"slices"
	"strings"

	"github.com/walpost/walpost/internal/pgname"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/status"
)

// refusedRequirements are one line for each thing that is withheld from the role, and
// for each question that failed for another reason. `run` starts without the answers
// that it does not need.
func refusedRequirements(i *catalog.Inspection) []Requirement {
	var list []Requirement
	add := func(r catalog.Refusal, name, fix, detail string) {
		if at := slices.IndexFunc(list, func(q Requirement) bool { return q.Fix == fix }); fix != "" && at >= 0 {
			list[at].Detail += ", " + r.Question
			if r.Needed {
				list[at].State, list[at].Exit = Failed, status.ExitRequirement
			}
			return
		}
		q := warn(name, fix, "%s", detail)
		if r.Needed {
			q.State, q.Exit = Failed, status.ExitRequirement
		}
		list = append(list, q)
	}
	for _, r := range i.Refused {
		for _, object := range r.Objects {
			_, name, _ := strings.Cut(object, "pg_catalog.")
			add(r, name, i.GrantSQL(object),
				"role "+pgname.QuoteIfNeeded(i.Role.Name)+" may not use it, so that there is no answer to: "+r.Question)
		}
		if len(r.Objects) == 0 {
			add(r, r.Question, "", "is not known: "+r.Reason)
		}
	}
	return list
}
