package preflight

import (
	"fmt"
	"strings"

	"github.com/walpost/walpost/internal/pgname"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/status"
)

// OutsideRequirement refuses a table with rows that only look like the outbox's.
func OutsideRequirement(outbox pgname.Table, list []catalog.Outside) Requirement {
	var words, fixes []string
	for i, o := range list {
		if i == outsideShown {
			words = append(words, fmt.Sprintf("%d more like it", len(list)-i))
			break
		}
		words, fixes = append(words, o.Words(outbox)), append(fixes, o.Fix(outbox))
	}
	return failure(status.ExitRequirement, "rows outside of the stream", strings.Join(fixes, "; "), "%s",
		strings.Join(words, "; ")+catalog.NotInStream)
}

// outsideShown is how many tables are named.
const outsideShown = 5
