package config

import (
	"path"
	"slices"

	"github.com/walpost/walpost/internal/topicname"
)

// rules notes contradictions between keys. A rule is silent where one of its
// keys has a fault already.
func (r *reader) rules() {
	r.passwordOnce()
	r.outboxSource()
	r.prune()
	r.positionHeader()
	r.trace()
	r.cloudEvents()
	r.topicRegex()
	r.format()
	r.missingColumns()
	r.filter()
	r.allowedTopic()
	r.deadLetterTopic()
	r.clientCertificate()
	r.saslSecrets()
}

func (r *reader) passwordOnce() {
	const password = "postgres.password"
	if !r.sound("postgres.url", password) || r.cfg.Postgres.Password.IsZero() {
		return
	}
	text, err := r.cfg.Postgres.URL.Reveal()
	if err != nil {
		return
	}
	if u, err := splitURL(text); err == nil && u.hasPassword() {
		r.fault(r.at(password), password, "postgres.url has a password too: leave one of them out")
	}
}

// outboxSource refuses the keys of the other source.
func (r *reader) outboxSource() {
	if !r.sound("outbox.source") {
		return
	}
	source, others := r.cfg.Outbox.Source, []string{"outbox.prefix", "outbox.writers"}
	if source == sourceMessage {
		others = []string{"outbox.table"}
	}
	for _, other := range others {
		if at, there := r.places[other]; there {
			r.fault(at, other, "outbox.source: %s has none: leave it out", source)
		}
	}
}

// prune wants a table, and a time for an age.
func (r *reader) prune() {
	const section, after, column = "outbox.prune", "outbox.prune.after", "outbox.prune.time_column"
	p := r.cfg.Outbox.Prune
	if p == nil || !r.sound("outbox.source", "outbox.timestamp", after, column) {
		return
	}
	if p.After > 0 && p.TimeColumn == "" {
		p.TimeColumn = r.cfg.Outbox.Timestamp
	}
	switch {
	case r.cfg.Outbox.Messages():
		r.fault(r.at(section), section, "outbox.source: message has no table: leave it out")
	case p.After > 0 && p.TimeColumn == "":
		r.fault(r.at(after), after, "an age needs %s, or outbox.timestamp", column)
	}
}

func (r *reader) positionHeader() {
	const key = "outbox.position_header"
	name := r.cfg.Outbox.PositionHeader
	if !r.sound(key, "outbox.headers") || name == "" {
		return
	}
	taken := name == "id" || slices.ContainsFunc(r.cfg.Outbox.Headers, func(h Header) bool { return h.Name == name })
	if taken {
		r.fault(r.at(key), key, "a record has a header of this name already: want another one, like walpost-position")
	}
}

// allowedTopic checks a topic without columns: a list that leaves it out would reject
// every record.
func (r *reader) allowedTopic() {
	const key = "kafka.topics.allow"
	allow := r.cfg.Kafka.Topics.Allow
	if !r.sound(keyTopic, keyTopicRegex, keyTopicReplacement, key) || len(allow) == 0 {
		return
	}
	topic := r.cfg.Outbox.OnlyTopic()
	if topic == "" {
		return
	}
	for _, glob := range allow {
		if ok, err := path.Match(glob, topic); err == nil && ok {
			return
		}
	}
	r.fault(r.at(key), key, "outbox.topic is not among these, so every record would be rejected: add it")
}

func (r *reader) deadLetterTopic() {
	const key = "delivery.dead_letter"
	topic, letter := r.cfg.Outbox.Topic, r.cfg.Delivery.DeadLetter
	if !r.sound(keyTopic, keyTopicRegex, keyTopicReplacement, key) {
		return
	}
	if len(letter.Columns()) == 0 && letter.String() == r.cfg.Outbox.OnlyTopic() {
		r.fault(r.at(key), key, "want a topic other than outbox.topic")
	}
	if columns := len(topic.Columns()); columns > 0 && r.namesDeadLetters(columns, "x") && r.namesDeadLetters(columns, "yy") {
		r.fault(r.at("outbox.topic"), "outbox.topic", "every row would name a dead letter topic (delivery.dead_letter, or .DLT at its "+
			"end), and be rejected: want another name")
	}
}

// namesDeadLetters reports whether a row with this value in all columns of the topic names
// a dead letter topic.
func (r *reader) namesDeadLetters(columns int, value string) bool {
	topic := r.cfg.Outbox.Topic
	name := r.cfg.Outbox.TopicOf(slices.Repeat([]string{value}, columns)...)
	return topicname.CheckRows(topic, r.cfg.Delivery.DeadLetter, name) != nil
}

func (r *reader) clientCertificate() {
	const cert, private = "kafka.tls.cert", "kafka.tls.key"
	tls := r.cfg.Kafka.TLS
	if tls == nil || !r.sound(cert, private) {
		return
	}
	if tls.Cert != "" && tls.Key == "" {
		r.fault(r.at(cert), cert, "needs kafka.tls.key too")
	}
	if tls.Key != "" && tls.Cert == "" {
		r.fault(r.at(private), private, "needs kafka.tls.cert too")
	}
}

func (r *reader) saslSecrets() {
	const section = "kafka.sasl"
	sasl := r.cfg.Kafka.SASL
	if sasl == nil || !r.sound(section+".mechanism", section+".username", section+".password", section+".token") {
		return
	}
	needs := map[string]bool{"username": true, "password": true, "token": false}
	if sasl.Mechanism == oauthBearer {
		needs = map[string]bool{"username": false, "password": false, "token": true}
	}
	set := map[string]bool{"username": sasl.Username != "", "password": !isEmpty(sasl.Password), "token": !isEmpty(sasl.Token)}
	for _, name := range []string{"username", "password", "token"} {
		path := section + "." + name
		switch {
		case needs[name] && !set[name]:
			r.fault(r.at(path), section, "%s needs %s", sasl.Mechanism, path)
		case !needs[name] && set[name]:
			r.fault(r.at(path), path, "%s does not use it: leave it out", sasl.Mechanism)
		}
	}
}

func isEmpty(s Secret) bool {
	text, err := s.Reveal()
	return err == nil && text == ""
}
