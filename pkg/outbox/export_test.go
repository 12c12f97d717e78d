package outbox

// What tests of the package outbox_test see of the inside.
var (
	CheckJSON = checkJSON
)
