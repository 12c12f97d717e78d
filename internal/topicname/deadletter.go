package topicname

// DeadLetterSuffix ends the names of dead letter topics by convention: the relay's and
// pkg/inbox's defaults, and Spring Kafka's for a long time.
const DeadLetterSuffix = ".DLT"

// CheckRows returns an Error when rows name a dead letter topic: rows is the template of
// their topics, and name what it made of a row. A template without columns is the
// operator's choice.
func CheckRows(rows, deadLetter Template, name string) error {
	if len(rows.Columns()) > 0 && IsDeadLetter(deadLetter, name) {
		return Error("is that of a dead letter topic (delivery.dead_letter, or " + DeadLetterSuffix + " at its end)")
	}
	return nil
}

// IsDeadLetter reports whether name is a dead letter topic: by convention, or because the
// template, which has one column or none, makes it of another topic.
func IsDeadLetter(template Template, name string) bool {
	return DeadLetterByConvention(name) || template.makes(name)
}

// DeadLetterByConvention reports whether name ends as the names of dead letter topics do.
func DeadLetterByConvention[T string | []byte](name T) bool {
	begin := len(name) - len(DeadLetterSuffix)
	return begin >= 0 && string(name[begin:]) == DeadLetterSuffix
}

// makes reports whether the template makes the name of some value, which is the same in
// all places.
func (t Template) makes(name string) bool {
	placeholders, literals, first := 0, 0, -1
	for _, p := range t {
		if p.Column != "" {
			if placeholders++; first < 0 {
				first = literals
			}
		}
		literals += len(p.Literal)
	}
	if placeholders == 0 {
		return len(t) > 0 && t.String() == name
	}
	length := len(name) - literals
	if length <= 0 || length%placeholders != 0 {
		return false
	}
	return t.Render(name[first:first+length/placeholders]) == name
}
