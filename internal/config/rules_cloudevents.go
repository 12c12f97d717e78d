package config

import (
	"regexp"
	"slices"
	"strings"
)

// attributePattern is the name of an attribute of CloudEvents as a header.
var attributePattern = regexp.MustCompile(`^ce_[a-z0-9]+$`)

// cloudEvents wants the type of each event, and no header that would contradict the mode.
func (r *reader) cloudEvents() {
	const key = "outbox.cloudevents"
	if !r.cfg.Outbox.CloudEvents || !r.sound(key, keyOutboxHeaders) {
		return
	}
	typed := func(h Header) bool { return h.JSON || h.Name == "ce_type" || h.Name == "eventType" }
	if !slices.ContainsFunc(r.cfg.Outbox.Headers, typed) {
		r.fault(r.at(key), key, "an event has a type: name its column in outbox.headers, as ce_type or eventType")
	}
	if at := formatSection + ".headers"; r.sound(at) && r.cfg.Outbox.Format.Headers != EncodingText {
		r.fault(r.at(at), at, "attributes of outbox.cloudevents are texts: leave it out")
	}
	for _, h := range r.cfg.Outbox.Headers {
		path := join(keyOutboxHeaders, h.Name)
		switch {
		case slices.Contains([]string{"ce_id", "ce_specversion", "ce_time"}, h.Name):
			r.fault(r.at(path), path, "outbox.cloudevents makes this header of outbox.id and outbox.timestamp: leave it out")
		case strings.HasPrefix(h.Name, "ce_") && !attributePattern.MatchString(h.Name):
			r.fault(r.at(path), path, "want a name of CloudEvents: ce_ and a-z or 0-9")
		case h.Name == "content-type" && strings.HasPrefix(h.Constant, "application/cloudevents"):
			r.fault(r.at(path), path, "want the type of the value: application/cloudevents is the other content mode, which "+
				"outbox.cloudevents is not")
		}
	}
}
