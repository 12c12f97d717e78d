package cli

import (
	"fmt"

	"github.com/walpost/walpost/internal/kafka/topics"
)

// relayTopics is the JSON of one file: the topics that are not as declared. After
// apply it is what was found before.
type relayTopics struct {
	Relay    string            `json:"relay"`
	Declared int               `json:"declared"` // topics in the file
	Topics   []topicDifference `json:"topics"`
}

type topicDifference struct {
	Topic    string        `json:"topic"`
	Action   string        `json:"action"`    // create, change, none: all of it is left to a person
	KeysMove bool          `json:"keys_move"` // partitions are added
	Changes  []topicChange `json:"changes"`
}

type topicChange struct {
	Setting string `json:"setting"`
	From    string `json:"from"`
	To      string `json:"to"`
	Blocked string `json:"blocked,omitempty"` // why it is left to a person
}

func topicsDocument(plans []*topicsOfRelay) []relayTopics {
	all := make([]relayTopics, 0, len(plans))
	for _, t := range plans {
		of := relayTopics{Relay: t.cfg.Name, Declared: len(t.declared), Topics: []topicDifference{}}
		for i := range t.found {
			d := &t.found[i]
			topic := topicDifference{Topic: d.Topic, Action: topicAction(d), KeysMove: d.AddsPartitions()}
			for _, c := range d.Changes {
				topic.Changes = append(topic.Changes, topicChange(c))
			}
			of.Topics = append(of.Topics, topic)
		}
		all = append(all, of)
	}
	return all
}

func topicAction(d *topics.Difference) string {
	switch {
	case d.Missing:
		return "create"
	case d.Applicable():
		return "change"
	default:
		return "none"
	}
}

// topicsPlan shows what is different.
func (p *printer) topicsPlan(plans []*topicsOfRelay) {
	for _, t := range plans {
		prefix := ""
		if len(plans) > 1 {
			prefix = t.cfg.Name + ": "
		}
		if len(t.found) == 0 {
			p.line("%s%s as declared", prefix, numberOf(len(t.declared), "topic is", "topics are"))
			continue
		}
		for i := range t.found {
			p.topicDifference(prefix, &t.found[i])
		}
	}
}

func numberOf(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func (p *printer) topicDifference(prefix string, d *topics.Difference) {
	if d.Missing {
		p.line("%s%s topic %s", prefix, p.paint(styleOK, "create"), d.Topic)
		for _, c := range d.Changes {
			p.line("  %s: %s", c.Setting, c.To)
		}
		return
	}
	p.line("%s%s topic %s", prefix, p.paint(styleWarning, "change"), d.Topic)
	for _, c := range d.Changes {
		from := c.From
		if from == "" {
			from = "(not set)"
		}
		p.line("  %s: %s -> %s", c.Setting, from, c.To)
		if c.Blocked != "" {
			p.line("    %s", p.paint(styleError, "not done by walpost: "+c.Blocked))
		}
	}
	if d.AddsPartitions() {
		p.line("    %s", p.paint(styleWarning, "warning: keys move. Later records of a key may go to another partition than earlier "+
			"ones, and consumers"))
		p.line("    may see them out of order; a compacted topic keeps a key's last value in each. apply needs --add-partitions")
	}
}
