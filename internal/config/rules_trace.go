package config

// trace wants no other source of the header that it makes.
func (r *reader) trace() {
	const key, header = "outbox.trace", "traceparent"
	if r.cfg.Outbox.Trace == "" || !r.sound(key, keyOutboxHeaders) {
		return
	}
	for _, h := range r.cfg.Outbox.Headers {
		if path := join(keyOutboxHeaders, h.Name); h.Name == header {
			r.fault(r.at(path), path, "%s makes this header: leave it out", key)
		}
	}
	if r.cfg.Outbox.PositionHeader == header {
		r.fault(r.at("outbox.position_header"), "outbox.position_header", "%s makes a header of this name: want another", key)
	}
}
