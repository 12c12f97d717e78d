package router

import (
	"slices"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/router/tracecontext"
)

// traceAt is where the layout has the first header of a trace context, behind the id.
const traceAt = 1

// addTrace adds the headers of a trace context, each only in records that have it.
func (m *Mapping) addTrace(l *layout) {
	if m.Trace == "" {
		return
	}
	l.optionally(tracecontext.Parent)
	if !m.ownState() {
		l.optionally(tracecontext.State)
	}
}

// behindTrace is where the layout has the headers of the file.
func (m *Mapping) behindTrace() int {
	if m.ownState() {
		return traceAt + 1
	}
	return traceAt + 2
}

// ownState reports whether outbox.headers has the trace state, as of a column of its own.
func (m *Mapping) ownState() bool {
	return slices.ContainsFunc(m.Headers, func(h HeaderColumn) bool { return h.Name == tracecontext.State })
}

// setTrace sets the headers of the trace context that the row has.
func (r *Router) setTrace(p *plan, row pgoutput.Tuple) error {
	if p.trace == nil {
		return nil
	}
	text, err := r.object(p, p.trace, row)
	if err != nil {
		return err
	}
	found := r.traces.Read(text)
	p.layout.headers[traceAt].Value = found.Parent
	if !r.mapping.ownState() {
		p.layout.headers[traceAt+1].Value = found.State
	}
	return nil
}
