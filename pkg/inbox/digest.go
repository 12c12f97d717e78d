package inbox

import "github.com/walpost/walpost/pkg/inbox/internal/digest"

func digestOf(e *Event) string { return digest.Event(e.Topic, e.Type, e.Key, e.Payload) }

func digestsOf(events []*Event) string {
	return digest.Array(len(events), func(i int) string { return digestOf(events[i]) })
}

// hashesOf leaves out events without a key.
func hashesOf(events []*Event) string {
	return digest.Array(len(events), func(i int) string {
		if events[i].Key == nil {
			return ""
		}
		return digest.Key(events[i].Key)
	})
}

func idsOf(events []*Event) string {
	return digest.Texts(len(events), func(i int) string { return events[i].ID })
}
