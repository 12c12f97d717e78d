package catalog

// UnfinishedComment is the comment on a publication that was made for a slot which is not
// made yet. Without it a first start that was cut between the two looks like a slot
// that somebody dropped: with it there never was one, and the next start goes on. It
// is written with the publication and taken away when the slot is there.
func UnfinishedComment(slot string) string { return "walpost: slot " + slot + " is not made yet" }

// PublishingComment is the comment on a publication while the rows from before its slot are
// published. With it no start makes a slot that would pass these rows over.
func PublishingComment(slot string) string {
	return "walpost: rows from before slot " + slot + " are being published"
}

// PublishedComment takes the place of PublishingComment when all these rows are published and
// the slot is about to get its name. It is taken away when the slot is whole.
func PublishedComment(slot string) string {
	return "walpost: rows from before slot " + slot + " are published"
}

// Unmarked returns the inspection as for who publishes rows from before the slot: it says
// nothing of such a start that was cut.
func (i *Inspection) Unmarked() *Inspection {
	if i.Publication == nil {
		return i
	}
	bare, publication := *i, *i.Publication
	publication.Publishing = false
	bare.Publication = &publication
	return &bare
}

// readMark sets what the comment of a publication says of a first start.
func (p *Publication) readMark(comment, slot string) {
	p.Unfinished = comment == UnfinishedComment(slot)
	p.RowsPublished = comment == PublishedComment(slot)
	p.Publishing = p.RowsPublished || comment == PublishingComment(slot)
}
