package cli

import "fmt"

// step is one thing that init has checked.
type step struct {
	Action stepAction `json:"action"`
	Kind   stepKind   `json:"kind"`
	Name   string     `json:"name"`
	Detail string     `json:"detail,omitempty"`
	SQL    string     `json:"sql,omitempty"` // what --dry-run would have run
}

// stepKind is the kind of thing that a step is about.
type stepKind string

// The kinds of a step.
const (
	kindTable       stepKind = "table"
	kindPublication stepKind = "publication"
	kindSlot        stepKind = "slot"
	kindTopic       stepKind = "topic"
	kindRows        stepKind = "rows"
	kindPosition    stepKind = "position"
)

// stepAction is what became of the thing.
type stepAction string

// The actions of a step. The last two are those of --dry-run.
const (
	actionCreated stepAction = "created"
	actionExists  stepAction = "exists"
	actionSkipped stepAction = "skipped"

	actionPublished stepAction = "published"
	actionMissing   stepAction = "missing"
	actionCreate    stepAction = "create"
)

// createdOrExists returns the action of a step that creates what is missing.
func createdOrExists(created bool) stepAction {
	if created {
		return actionCreated
	}
	return actionExists
}

// stepLine describes a step in one line. With --dry-run the line is a comment of SQL.
func stepLine(prefix string, st step, dryRun bool) string {
	text := fmt.Sprintf("%s%s %s %s", prefix, st.Action, st.Kind, st.Name)
	if st.Kind == kindRows {
		text = prefix + string(st.Kind)
	}
	if st.Detail != "" {
		text += ": " + st.Detail
	}
	if dryRun {
		return "-- " + text
	}
	return text
}
