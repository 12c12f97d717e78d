package recover

import (
	"strings"

	"github.com/walpost/walpost/internal/outboxtable"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/preflight"
	"github.com/walpost/walpost/internal/status"
	"github.com/walpost/walpost/internal/wiring"
)

// checkRequirements goes through the requirements as if the slot were not there: the table
// as it is today has to serve, and the publication has to be there before the slot.
func (r *Recovery) checkRequirements(there *catalog.Inspection, plan *Plan) error {
	cfg := r.Config
	wanted, err := wiring.Wanted(cfg, nil)
	if err != nil {
		return err
	}
	wanted.Prune, wanted.AnyWriter, wanted.Hosts = nil, false, postgres.Hosts{} // no matter of a recovery
	bare := *there
	bare.Slot = nil
	if r.First { // init creates what is missing, and begins anew what was cut
		wanted.Create = true
		bare = *bare.Unmarked()
	}
	code, texts := 0, []string{}
	if unmet := preflight.CheckRecovery(preflight.Postgres(&bare, wanted)); unmet != nil {
		code, texts = unmet.Exit, append(texts, unmet.Error())
	}
	if t := there.Table; t != nil && !t.Readable {
		code = max(code, status.ExitRequirement)
		texts = append(texts, outboxtable.Unreadable(cfg, there.Role.Name))
	}
	if code != 0 {
		return &status.Halt{Code: code, Reason: "the requirements are not met", Detail: strings.Join(texts, "\n")}
	}
	plan.CreatePublication = there.Publication == nil
	return nil
}
