package record

// Rejection is a row that can never become a record, or a record that Kafka can never
// accept, with the reason as a stable word (the label of walpost_events_rejected_total)
// and the text for people.
type Rejection struct { //nolint:errname // the verdict on a row; the policy decides whether it is a failure
	Reason string // see the Reason constants
	Column string // column to look at, "" when none
	ID     string // the event's id as text, "" when NULL; cut when it is long
	Topic  string // the topic as far as it could be built
	Text   string // what is wrong, and which key of the configuration to change; never holds payload bytes

	Lacks           string // what the record lacks of its row, "" when nothing
	TopicIncomplete bool   // Topic is a part only: a column of the template is NULL or empty, or the name is too long
}

func (r *Rejection) Error() string { return r.Text }

// Reasons of a rejection before Kafka is asked.
const (
	ReasonTopicName  = "invalid_topic"      // NULL, empty, illegal or reserved name
	ReasonNotAllowed = "topic_not_allowed"  // outside kafka.topics.allow
	ReasonDeadLetter = "dead_letter_topic"  // a row names a dead letter topic
	ReasonTooLarge   = "too_large"          // larger than kafka.max_message_bytes
	ReasonTimestamp  = "invalid_timestamp"  // negative or infinite
	ReasonPartition  = "invalid_partition"  // out of range
	ReasonMessage    = "invalid_message"    // outbox.source: message, and the content is not an event
	ReasonKey        = "invalid_key"        // the JSON column of the key is no object
	ReasonCloudEvent = "invalid_cloudevent" // no id, type or source
	ReasonHeaders    = "invalid_headers"    // the JSON column of headers is no object, or not of headers
	ReasonFormat     = "invalid_value"      // a value that outbox.format has no form for
)

// Reasons that only Kafka gives, beside ReasonTooLarge.
const (
	ReasonInvalidRecord    = "invalid_record"
	ReasonMissingTopic     = "missing_topic"
	ReasonMissingPartition = "missing_partition"
	ReasonTopicDenied      = "topic_denied"    // nothing but rows names it, and walpost may not use it
	ReasonTooManyTopics    = "too_many_topics" // rows name more than kafka.topics.most
)

// Reasons are all the words that a Rejection has for why.
func Reasons() []string {
	return []string{
		ReasonTopicName, ReasonNotAllowed, ReasonDeadLetter, ReasonTooLarge, ReasonTimestamp, ReasonPartition, ReasonMessage, ReasonKey,
		ReasonHeaders, ReasonCloudEvent, ReasonFormat, ReasonInvalidRecord, ReasonMissingTopic, ReasonMissingPartition,
		ReasonTopicDenied, ReasonTooManyTopics,
	}
}
