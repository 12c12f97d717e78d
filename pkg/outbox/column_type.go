package outbox

import "regexp"

// sqlType is what a type may look like: a name, perhaps qualified, of several
// words, or with a modifier.
var sqlType = regexp.MustCompile(`^("[^"\x00]+"|[\pL_][\pL\pN_]*)([ .]("[^"\x00]+"|[\pL_][\pL\pN_]*))*( ?\([0-9, ]+\))?( [\pL ]+)?$`)

// typeModifier is the (255) of varchar(255).
var typeModifier = regexp.MustCompile(` ?\([0-9, ]+\)`)
