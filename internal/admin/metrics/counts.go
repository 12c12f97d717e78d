package metrics

import (
	"cmp"
	"slices"

	"github.com/walpost/walpost/internal/status"
)

// Topics returns what each topic has got so far, by name.
func (o *Observer) Topics() []status.TopicReport {
	dead := *o.deadLetters.seen.Load()
	list := []status.TopicReport{}
	for l, p := range *o.published.seen.Load() {
		t := status.TopicReport{Topic: l.first, Published: p.counted.Load(), Bytes: p.volume.Load()}
		if d := dead[l]; d != nil {
			t.DeadLetters = d.counted.Load()
		}
		list = append(list, t)
	}
	slices.SortFunc(list, func(a, b status.TopicReport) int { return cmp.Compare(a.Topic, b.Topic) })
	return list
}

// Rejections returns the rejected records so far, by topic and reason.
func (o *Observer) Rejections() []status.Rejections {
	list := []status.Rejections{}
	for l, p := range *o.rejected.seen.Load() {
		list = append(list, status.Rejections{Topic: l.first, Reason: l.second, Events: p.counted.Load()})
	}
	slices.SortFunc(list, func(a, b status.Rejections) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Reason, b.Reason))
	})
	return list
}
